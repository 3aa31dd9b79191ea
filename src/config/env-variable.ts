import { Expose, Transform } from 'class-transformer';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { withoutSecrets } from '../common/without-secrets.js';
import { Findings, type Shape } from './shape.js';

/** Turns the text of a variable into the value it stands for; a text that stands for nothing comes back as it is. */
export type FromText = (text: string) => unknown;

export const asNumber: FromText = (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

export const asFlag: FromText = (text) => ({ true: true, false: false })[text] ?? text;

export const asJson: FromText = (text) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** What is wrong with a value that came from text, or undefined when it fits. */
export function complaint(shape: Shape<unknown>, value: unknown): string | undefined {
  const findings = new Findings();
  shape.read(value, '', findings);
  if (findings.problems.length === 0) {
    return undefined;
  }
  return typeof value === 'string' ? `expected ${shape.expected}, got ${quote(value)}` : findings.problems.join('; ');
}

const LONGEST_QUOTE = 100;

/** Passwords of addresses stay out: these sentences end up in logs. */
function quote(text: string): string {
  const harmless = withoutSecrets(text);
  return JSON.stringify(harmless.length > LONGEST_QUOTE ? `${harmless.slice(0, LONGEST_QUOTE)}...` : harmless);
}

/** An environment variable: its text is turned into a value, which must fit the shape. Not set is always fine. */
export function Variable(shape: Shape<unknown>, fromText: FromText = (text) => text): PropertyDecorator {
  const decorators: PropertyDecorator[] = [
    Expose(),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? fromText(value) : value)),
    ValidateBy({
      name: 'variable',
      validator: {
        validate: (value: unknown) => value === undefined || complaint(shape, value) === undefined,
        defaultMessage: (args?: ValidationArguments) => complaint(shape, args?.value) ?? '',
      },
    }),
  ];
  return (target, property) => decorators.forEach((decorate) => decorate(target, property));
}
