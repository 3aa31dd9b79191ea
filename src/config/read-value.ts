/** Reads a value with a schema and reports all of its problems, so that the user can fix them at once. */
import * as z from 'zod/mini';
import { type Findings, pathTo } from './findings.js';
import { PARSE_OPTIONS, type Schema, WRONG_TYPE } from './schema.js';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

export interface Reading<T> {
  /** Absent if there is a problem. */
  readonly value?: T;
  readonly problems: readonly { readonly path: Path; readonly message: string }[];
  /** Keys that the schema does not know. The value is read without them. */
  readonly unknownKeys: readonly Path[];
}

/** zod refuses unknown keys or drops them silently. Here they are reported, and the value is read again without them. */
export function readValue<T>(schema: Schema<T>, value: unknown): Reading<T> {
  const first = z.safeParse(schema, value, PARSE_OPTIONS);
  const unknown = meant(first.error?.issues ?? []).filter((issue) => issue.code === 'unrecognized_keys');
  const known = unknown.reduce((one, { path, keys }) => without(one, path, keys), value);
  const { data, error } = unknown.length > 0 ? z.safeParse(schema, known, PARSE_OPTIONS) : first;
  return {
    value: data,
    problems: meant(error?.issues ?? []),
    unknownKeys: unknown.flatMap(({ path, keys }) => keys.map((key) => [...path, key])),
  };
}

/** The value; undefined after reporting why it is invalid. */
export function readInto<T>(schema: Schema<T>, given: unknown, findings: Findings): T | undefined {
  const { value, problems, unknownKeys } = readValue(schema, given);
  unknownKeys.forEach((path) => findings.warn(`${inWords(path)} is not a known key; it is ignored`));
  problems.forEach(({ path, message }) => findings.problem(inWords(path), message));
  return value;
}

/** `graphs["a b"][1].path` */
export const inWords = (path: Path): string =>
  path.reduce<string>((at, step) => (typeof step === 'number' ? `${at}[${step}]` : pathTo(at, String(step))), '');

/** The issues with whole paths. Of a union: those of the alternative with the type of the value, which the author meant. */
const meant = (issues: readonly Issue[], path: Path = []): Issue[] =>
  issues.flatMap((issue) => {
    const whole = [...path, ...issue.path];
    const alternative = issue.code === 'invalid_union' ? issue.errors.find(hasType) : undefined;
    return alternative ? meant(alternative, whole) : [{ ...issue, path: whole }];
  });

const hasType = (issues: readonly Issue[]): boolean =>
  !issues.some(({ code, path }) => path.length === 0 && WRONG_TYPE.includes(code));

/** A copy of the value without some keys of the object at the path. */
function without(value: unknown, [step, ...rest]: Path, keys: readonly string[]): unknown {
  if (Array.isArray(value)) {
    return value.map((element: unknown, index) => (index === step ? without(element, rest, keys) : element));
  }
  const entries = Object.entries(value as object).map(([key, member]: [string, unknown]) => ({ key, member }));
  const kept =
    step === undefined
      ? entries.filter(({ key }) => !keys.includes(key))
      : entries.map(({ key, member }) => ({ key, member: key === step ? without(member, rest, keys) : member }));
  return Object.fromEntries(kept.map(({ key, member }) => [key, member]));
}
