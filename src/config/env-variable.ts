import { Expose, Transform } from 'class-transformer';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { withoutSecrets } from '../common/without-secrets.js';
import { Findings, type Shape } from './shape.js';

/** Parses the string of a variable. Returns an unparsable string unchanged, so that validation rejects it. */
export type FromString = (source: string) => unknown;

export const asNumber: FromString = (source) => (/^-?\d+(\.\d+)?$/.test(source) ? Number(source) : source);

export const asFlag: FromString = (source) => ({ true: true, false: false })[source] ?? source;

export const asJson: FromString = (source) => {
  try {
    return JSON.parse(source) as unknown;
  } catch {
    return source;
  }
};

/** Why a value does not fit the shape; undefined if it does. */
export function findMismatch(shape: Shape<unknown>, value: unknown): string | undefined {
  const findings = new Findings();
  shape.read(value, '', findings);
  if (findings.problems.length === 0) {
    return undefined;
  }
  return typeof value === 'string' ? `expected ${shape.expected}, got ${quote(value)}` : findings.problems.join('; ');
}

const MAX_QUOTE_LENGTH = 100;

/** Without passwords of addresses: these messages end up in logs. */
function quote(value: string): string {
  const harmless = withoutSecrets(value);
  return JSON.stringify(harmless.length > MAX_QUOTE_LENGTH ? `${harmless.slice(0, MAX_QUOTE_LENGTH)}...` : harmless);
}

/** An environment variable: its string is parsed into a value that must fit the shape. An unset variable is valid. */
export function Variable(shape: Shape<unknown>, fromString: FromString = (source) => source): PropertyDecorator {
  const decorators: PropertyDecorator[] = [
    Expose(),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? fromString(value) : value)),
    ValidateBy({
      name: 'variable',
      validator: {
        validate: (value: unknown) => value === undefined || findMismatch(shape, value) === undefined,
        defaultMessage: (args?: ValidationArguments) => findMismatch(shape, args?.value) ?? '',
      },
    }),
  ];
  return (target, property) => decorators.forEach((decorate) => decorate(target, property));
}
