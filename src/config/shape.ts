/**
 * Building blocks that describe configuration values. A shape reads unknown JSON into a typed value and reports all of its
 * problems, so that the user can fix them at once.
 */

/** A JSON object with unknown keys. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Problems and warnings of a configuration. Problems stop the start; warnings are logged. */
export class Findings {
  constructor(
    private readonly source = '',
    readonly problems: string[] = [],
    readonly warnings: string[] = [],
  ) {}

  /** The same lists; each new message is prefixed with `source` (a file, a variable). */
  within(source: string): Findings {
    return new Findings(source, this.problems, this.warnings);
  }

  /** Reports a problem at a path. Returns undefined, as a shape does for a value that does not fit. */
  problem(at: string, sentence: string): undefined {
    this.problems.push([this.source, at, sentence].filter(Boolean).join(': '));
  }

  warn(sentence: string): void {
    this.warnings.push([this.source, sentence].filter(Boolean).join(': '));
  }
}

export interface Shape<T> {
  /** Completes the message "expected ...". */
  readonly expected: string;
  /** Whether the value has the right type, though it may be invalid otherwise. `either` selects a shape by it. */
  accepts(value: unknown): boolean;
  /** Returns the value, or undefined after reporting in `findings` why it does not fit. */
  read(value: unknown, at: string, findings: Findings): T | undefined;
}

/** The type that a shape reads. */
export type Parsed<S> = S extends Shape<infer T> ? T : never;

/** A required member. Members of an object are optional by default. */
export interface RequiredShape<T> extends Shape<T> {
  readonly required: true;
}

export const required = <T>(shape: Shape<T>): RequiredShape<T> => ({ ...shape, required: true });

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function kindOf(value: unknown): string {
  if (value === undefined) {
    return 'nothing';
  }
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'a list';
  }
  return (
    { string: 'a string', number: 'a number', boolean: 'a boolean', object: 'an object' }[typeof value as string] ??
    typeof value
  );
}

/** Quotes the value only if its type is right: a misplaced object or list would be too long. */
function mismatch(shape: Shape<unknown>, value: unknown, at: string, findings: Findings): undefined {
  const got = shape.accepts(value) ? JSON.stringify(value) : kindOf(value);
  return findings.problem(at, `expected ${shape.expected}, got ${got}`);
}

function scalar<T>(expected: string, isKind: (value: unknown) => value is T, fits: (value: T) => boolean): Shape<T> {
  const shape: Shape<T> = {
    expected,
    accepts: isKind,
    read: (value, at, findings) => (isKind(value) && fits(value) ? value : mismatch(shape, value, at, findings)),
  };
  return shape;
}

const isString = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

export const string = ({
  expected = 'a string',
  pattern,
}: { expected?: string; pattern?: RegExp } = {}): Shape<string> =>
  scalar(expected, isString, (value) => pattern?.test(value) ?? true);

export const flag = (): Shape<boolean> => scalar('true or false', isFlag, () => true);

/** Bounds are inclusive. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

function describeRange({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) {
    return ` from ${min} to ${max}`;
  }
  return min === undefined ? '' : ` of at least ${min}`;
}

const inside = (value: number, { min = -Infinity, max = Infinity }: Range): boolean => value >= min && value <= max;

export const number = (range: Range = {}): Shape<number> =>
  scalar(`a number${describeRange(range)}`, isNumber, (value) => inside(value, range));

export const integer = (range: Range = {}): Shape<number> =>
  scalar(`a whole number${describeRange(range)}`, isNumber, (value) => Number.isInteger(value) && inside(value, range));

export function oneOf<const T extends string>(...choices: readonly T[]): Shape<T> {
  const expected = choices.map((choice) => `"${choice}"`).join(' or ');
  const isChoice = (value: string): value is T => (choices as readonly string[]).includes(value);
  return converted(string(), (value) => (isChoice(value) ? value : undefined), expected);
}

export const anything = (): Shape<unknown> => ({
  expected: 'any value',
  accepts: () => true,
  read: (value) => value,
});

/** The same shape with another description. */
export const described = <T>(shape: Shape<T>, expected: string): Shape<T> =>
  converted(shape, (value) => value, expected);

/** Converts the value that `shape` reads. `convert` returns undefined for a value that does not fit. */
export function converted<T, U>(
  shape: Shape<T>,
  convert: (value: T) => U | undefined,
  expected = shape.expected,
): Shape<U> {
  const result: Shape<U> = {
    expected,
    accepts: (value) => shape.accepts(value),
    read: (value, at, findings) => {
      if (!shape.accepts(value)) {
        return mismatch(result, value, at, findings);
      }
      const parsed = shape.read(value, at, findings);
      return parsed === undefined ? undefined : (convert(parsed) ?? mismatch(result, value, at, findings));
    },
  };
  return result;
}

/** The first shape that accepts the type of the value reads it, so that problems match what the author meant. */
export function either<S extends readonly Shape<unknown>[]>(...shapes: S): Shape<Parsed<S[number]>> {
  const result: Shape<unknown> = {
    expected: shapes.map(({ expected }) => expected).join(' or '),
    accepts: (value) => shapes.some((shape) => shape.accepts(value)),
    read: (value, at, findings) => {
      const shape = shapes.find((candidate) => candidate.accepts(value));
      return shape ? shape.read(value, at, findings) : mismatch(result, value, at, findings);
    },
  };
  return result as Shape<Parsed<S[number]>>;
}

export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  const shape: Shape<readonly T[]> = {
    expected: 'a list',
    accepts: Array.isArray,
    read: (value, at, findings) => {
      if (!Array.isArray(value)) {
        return mismatch(shape, value, at, findings);
      }
      return withoutProblems(findings, () =>
        value.map((element: unknown, index) => item.read(element, `${at}[${index}]`, findings) as T),
      );
    },
  };
  return shape;
}

/** An object with arbitrary keys and values of one shape. */
export function mapOf<T>(
  entry: Shape<T>,
  { expected = 'an object', min = 0 }: { expected?: string; min?: number } = {},
): Shape<Readonly<Record<string, T>>> {
  const shape: Shape<Readonly<Record<string, T>>> = {
    expected,
    accepts: isObject,
    read: (value, at, findings) => {
      if (!isObject(value) || Object.keys(value).length < min) {
        return mismatch(shape, value, at, findings);
      }
      return withoutProblems(findings, () =>
        Object.fromEntries(
          Object.entries(value).map(([key, member]) => [key, entry.read(member, pathTo(at, key), findings) as T]),
        ),
      );
    },
  };
  return shape;
}

type Members = Readonly<Record<string, Shape<unknown>>>;
type RequiredNames<M> = { [K in keyof M]: M[K] extends { required: true } ? K : never }[keyof M];
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<M> = Flat<
  { readonly [K in RequiredNames<M>]: Parsed<M[K]> } & {
    readonly [K in Exclude<keyof M, RequiredNames<M>>]?: Parsed<M[K]>;
  }
>;

/**
 * An object with known members. A null member counts as absent, as in the official schema. An unknown member is only a
 * warning, so that a file for a newer version still works.
 */
export function object<M extends Members>(members: M, expected = 'an object'): Shape<ObjectOf<M>> {
  const shape: Shape<ObjectOf<M>> = {
    expected,
    accepts: isObject,
    read: (value, at, findings) => {
      if (!isObject(value)) {
        return mismatch(shape, value, at, findings);
      }
      Object.keys(value)
        .filter((key) => !Object.hasOwn(members, key))
        .forEach((key) => findings.warn(`${pathTo(at, key)} is not a known key; it is ignored`));
      return withoutProblems(findings, () => readMembers(members, value, at, findings) as ObjectOf<M>);
    },
  };
  return shape;
}

function readMembers(members: Members, value: JsonObject, at: string, findings: Findings): JsonObject {
  const given = Object.entries(members).filter(([key, member]) => isGiven(value, key) || 'required' in member);
  return Object.fromEntries(
    given.map(([key, member]) => [
      key,
      member.read(isGiven(value, key) ? value[key] : undefined, pathTo(at, key), findings),
    ]),
  );
}

const isGiven = (value: JsonObject, key: string): boolean => Object.hasOwn(value, key) && value[key] !== null;

/** The path of a member, for messages. */
export const pathTo = (at: string, key: string): string => {
  const step = /^[\w$-]+$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return at && !step.startsWith('[') ? `${at}.${step}` : `${at}${step}`;
};

function withoutProblems<T>(findings: Findings, read: () => T): T | undefined {
  const before = findings.problems.length;
  const value = read();
  return findings.problems.length === before ? value : undefined;
}
