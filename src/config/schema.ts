/**
 * Building blocks of the schemas of `langgraph.json` and the environment: zod, with messages that say what was expected and
 * what was found. docs/decisions/0033-zod.md says what differs from zod's own, and why.
 */
import * as z from 'zod/mini';
import { withoutSecrets } from '../common/without-secrets.js';

/** Each schema is used once: compiling it would take longer than reading without compilation. */
export const PARSE_OPTIONS = { jitless: true };

/** A JSON object with unknown keys. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type Schema<T = unknown> = z.ZodMiniType<T>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const KINDS: Readonly<Record<string, string>> = {
  undefined: 'nothing',
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  object: 'an object',
};

function kindOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  return Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? typeof value);
}

const MAX_QUOTE_LENGTH = 100;

/** Without passwords of addresses: these messages end up in logs. */
function quote(value: unknown): string {
  if (typeof value !== 'string') {
    return JSON.stringify(value);
  }
  const harmless = withoutSecrets(value);
  return JSON.stringify(harmless.length > MAX_QUOTE_LENGTH ? `${harmless.slice(0, MAX_QUOTE_LENGTH)}...` : harmless);
}

/** Codes of zod for a value of another type, or of none of several types. */
export const WRONG_TYPE = ['invalid_type', 'invalid_union'];

/** The message of an issue. It quotes the value only if its type is right: a misplaced object or list would be too long. */
export const mismatch =
  (expected: string) =>
  ({ code, input }: { code?: string; input?: unknown }): string =>
    `expected ${expected}, got ${WRONG_TYPE.includes(code ?? '') ? kindOf(input) : quote(input)}`;

export function string({ expected = 'a string', pattern }: { expected?: string; pattern?: RegExp } = {}) {
  const error = mismatch(expected);
  const schema = z.string({ error });
  return pattern ? schema.check(z.regex(pattern, { error })) : schema;
}

/** Converts a string. `parse` returns undefined for an invalid one. */
export function parsed<T>(expected: string, parse: (source: string) => T | undefined) {
  const error = mismatch(expected);
  return z.pipe(
    z.string({ error }),
    z.transform((source: string, context): T => {
      const value = parse(source);
      if (value === undefined) {
        context.issues.push({ code: 'custom', input: source, message: error({ input: source }) });
        return z.NEVER;
      }
      return value;
    }),
  );
}

const FLAG = 'true or false';

export const flag = () => z.boolean({ error: mismatch(FLAG) });

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

const isInside = (value: number, { min = -Infinity, max = Infinity }: Range): boolean => value >= min && value <= max;

/** The words for a number in a range. */
export const aNumber = (range: Range): string => `a number${describeRange(range)}`;
export const aWholeNumber = (range: Range): string => `a whole number${describeRange(range)}`;

export function number(range: Range = {}) {
  const error = mismatch(aNumber(range));
  return z.number({ error }).check(z.refine((value) => isInside(value, range), { error }));
}

export function integer(range: Range = {}) {
  const error = mismatch(aWholeNumber(range));
  return z.number({ error }).check(z.refine((value) => Number.isInteger(value) && isInside(value, range), { error }));
}

export function oneOf<const T extends string>(...choices: readonly T[]) {
  const error = mismatch(choices.map((choice) => `"${choice}"`).join(' or '));
  return z.pipe(z.string({ error }), z.enum(choices, { error }));
}

export const anything = () => z.unknown();

/** `expected` describes all of them. Only the alternative of the right type reports issues (see `readValue`). */
export const either = <const T extends readonly Schema[]>(expected: string, ...schemas: T) =>
  z.union(schemas, { error: mismatch(expected) });

export const listOf = <T extends Schema>(item: T) => z.array(item, { error: mismatch('a list') });

type Members = Readonly<Record<string, Schema>>;

/**
 * An object with known members. A null member counts as absent, as in the official schema. An unknown member is only a
 * warning (see `readValue`).
 */
export function object<O extends Members, R extends Members = Record<never, never>>(optional: O, required = {} as R) {
  const isGiven = ([key, member]: [string, unknown]): boolean =>
    member !== null || !(Object.hasOwn(optional, key) || Object.hasOwn(required, key));
  const { shape } = z.partial(z.object(optional));
  return z.pipe(
    z.transform((value) => (isObject(value) ? Object.fromEntries(Object.entries(value).filter(isGiven)) : value)),
    z.strictObject({ ...required, ...shape }, { error: mismatch('an object') }),
  );
}

/** Checks of a whole map, each with what it expects. */
export interface MapChecks {
  readonly expected?: string;
  readonly checks?: readonly { readonly fits: (value: JsonObject) => boolean; readonly expected: string }[];
}

/** An object with arbitrary keys and values of one schema. Not `z.record`, which drops the key `__proto__`. */
export const mapOf = <T>(entry: Schema<T>, { expected = 'an object', checks = [] }: MapChecks = {}) =>
  z.transform((value: unknown, context): Readonly<Record<string, T>> => {
    const failed = checks.find(({ fits }) => isObject(value) && !fits(value));
    if (!isObject(value) || failed) {
      const code = failed ? 'custom' : 'invalid_type';
      const message = mismatch(failed?.expected ?? expected)({ code, input: value });
      context.issues.push({ code, expected: 'record', input: value, message });
      return z.NEVER;
    }
    const results = Object.entries(value).map(
      ([key, member]) => [key, z.safeParse(entry, member, PARSE_OPTIONS)] as const,
    );
    for (const [key, { error }] of results) {
      error?.issues.forEach((issue) => context.issues.push({ ...issue, path: [key, ...issue.path] } as never));
    }
    return Object.fromEntries(results.map(([key, { data }]) => [key, data as T]));
  });
