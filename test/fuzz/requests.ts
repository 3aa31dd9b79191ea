import fc from 'fast-check';
import { hostile, hostileText } from './hostile.js';
import { Raw, type Value } from './json.js';
import { type Parameter, resolve, type Route, ROUTES, type Schema } from './routes.js';
import { meaningOf } from './words.js';

/** A request with unresolved ids. */
export interface Draft {
  route: Route;
  /** The index of the place that it uses. */
  place: number;
  path: Record<string, Value>;
  query: [name: string, value: Value][];
  headers: [name: string, value: string][];
  /** Bytes are sent unchanged. */
  body: Value;
  /** Damage to the request itself. */
  twist?: Twist;
}

/** Kinds of damage to the wire format of a request. */
export const TWISTS = [
  'no-json',
  'cut-off',
  'invalid-utf8',
  'bom',
  'doubled-keys',
  'prototype-key',
  'traversal',
  'encoded-traversal',
  'broken-escape',
  'escaped-nul',
  'escaped-line-break',
  'trailing-slash',
  'doubled-slash',
  'upper-case',
  'query-objects',
  'long-query',
  'other-type',
  'other-method',
  'too-large',
] as const;

export type Twist = (typeof TWISTS)[number];

/** Values that a schema allows; `name` determines their meaning. */
function valid(schema: Schema, name = ''): fc.Arbitrary<Value> {
  const meaning = meaningOf(name);
  return meaning
    ? fc.oneof({ weight: 5, arbitrary: meaning }, { weight: 1, arbitrary: bySchema(schema) })
    : bySchema(schema);
}

const memory = new Map<Schema, fc.Arbitrary<Value>>();

function bySchema(schema: Schema): fc.Arbitrary<Value> {
  const resolved = resolve(schema);
  const known = memory.get(resolved);
  if (known) {
    return known;
  }
  const made = make(resolved);
  memory.set(resolved, made);
  return made;
}

function make(schema: Schema): fc.Arbitrary<Value> {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) {
    return fc.oneof(...choices.map((choice) => bySchema(choice)));
  }
  if (schema.enum) {
    return fc.constantFrom(...schema.enum);
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(bySchema(schema.items ?? {}), { maxLength: 3 });
    case 'string':
      return schema.format === 'uuid' ? fc.uuid() : fc.string({ maxLength: 12 });
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 100, 100) });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000, 1_000), noNaN: true });
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf({ properties = {}, required = [] }: Schema): fc.Arbitrary<Value> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valid(schema, name)]));
  const optional = Object.keys(fields).filter((name) => !required.includes(name));
  if (optional.length === 0) {
    return fc.record(fields);
  }
  // Only a few optional members: with all of them, hardly any request would be accepted.
  return fc
    .subarray(optional, { maxLength: Math.min(4, optional.length) })
    .chain((chosen) => fc.record(Object.fromEntries([...required, ...chosen].map((name) => [name, fields[name]]))));
}

/** A valid body in which one field, at any depth, is hostile. */
function spoilt(body: fc.Arbitrary<Value>, schema: Schema): fc.Arbitrary<Value> {
  const names = Object.keys(resolve(schema.items ?? schema).properties ?? { a: {} });
  const nameOf = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: hostileText });
  return fc.tuple(body, nameOf, hostile, fc.nat(3)).map(([value, name, bad, depth]) => spoil(value, name, bad, depth));
}

function spoil(value: Value, name: string, bad: Value, depth: number): Value {
  if (Array.isArray(value)) {
    return value.length === 0 ? [bad] : [spoil(value[0], name, bad, depth), ...(value.slice(1) as Value[])];
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return bad;
  }
  const inner = (value as Record<string, Value>)[name];
  const deeper = depth > 0 && typeof inner === 'object' && inner !== null && !(inner instanceof Raw);
  const [key] = deeper ? Object.keys(inner) : [];
  const entries = Object.entries(value).filter(([other]) => other !== name);
  return Object.fromEntries([...entries, [name, deeper ? spoil(inner, key ?? 'a', bad, depth - 1) : bad]]);
}

function bodyOf({ body, examples }: Route): fc.Arbitrary<Value> {
  if (!body) {
    return fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: hostile });
  }
  const good = valid(body);
  return fc.oneof(
    { weight: 6, arbitrary: good },
    { weight: examples.length > 0 ? 2 : 0, arbitrary: fc.constantFrom(...examples, {}) },
    { weight: 8, arbitrary: spoilt(good, body) },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

const parameterValue = ({ name, schema }: Parameter): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 7, arbitrary: valid(schema, name) }, { weight: 1, arbitrary: hostile });

const pathOf = ({ parameters }: Route): fc.Arbitrary<Record<string, Value>> =>
  fc.record(
    Object.fromEntries(parameters.filter((one) => one.in === 'path').map((one) => [one.name, parameterValue(one)])),
  );

/** A few of the documented parameters, some of them twice, and sometimes an unknown one. */
function queryOf({ parameters }: Route): fc.Arbitrary<[string, Value][]> {
  const pairs = parameters
    .filter((one) => one.in === 'query')
    .map((one) => fc.tuple(fc.constant(one.name), parameterValue(one)));
  const stray = fc.tuple(hostileText, hostile);
  return pairs.length === 0
    ? fc.oneof(
        { weight: 20, arbitrary: fc.constant<[string, Value][]>([]) },
        { weight: 1, arbitrary: fc.array(stray, { maxLength: 2 }) },
      )
    : fc.array(fc.oneof({ weight: 12, arbitrary: fc.oneof(...pairs) }, { weight: 1, arbitrary: stray }), {
        maxLength: 3,
      });
}

const HEADERS: Record<string, fc.Arbitrary<string>> = {
  'x-request-id': hostileText,
  'content-type': fc.constantFrom(
    'text/plain',
    'application/json; charset=utf-7',
    'multipart/form-data',
    'a/b; c="',
    '',
  ),
  accept: fc.constantFrom('text/event-stream', 'application/xml', '*/*;q=x'),
  authorization: hostileText,
  'x-api-key': hostileText,
  cookie: hostileText,
  origin: hostileText,
  prefer: fc.constantFrom('return=minimal', 'return=minimal, return=representation', '\u00ff'),
  'last-event-id': hostileText,
  'x-forwarded-for': hostileText,
  'x-http-method-override': fc.constantFrom('DELETE', 'TRACE'),
  'if-none-match': fc.constantFrom('*', '""'),
  range: fc.constantFrom('bytes=0-0', 'bytes=-1', 'bytes=9-1'),
  expect: fc.constantFrom('100-continue', 'x'),
};

function headersOf({ parameters }: Route): fc.Arbitrary<[string, string][]> {
  const own = parameters.filter((one) => one.in === 'header').map(({ name }) => name);
  const pairs = [...Object.keys(HEADERS), ...own, ...own, ...own].map((name) =>
    fc.tuple(fc.constant(name), HEADERS[name.toLowerCase()]),
  );
  return fc.oneof(
    { weight: own.length > 0 ? 2 : 8, arbitrary: fc.constant<[string, string][]>([]) },
    { weight: 1, arbitrary: fc.array(fc.oneof(...pairs), { maxLength: 2 }) },
  );
}

/** Any request to this route. */
const draftFor = (route: Route): fc.Arbitrary<Draft> =>
  fc.record({
    route: fc.constant(route),
    place: fc.nat(199),
    path: pathOf(route),
    query: queryOf(route),
    headers: headersOf(route),
    body: bodyOf(route),
    twist: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...TWISTS) },
    ),
  });

/** Any request to any route, with equal probability. */
export const anyRequest: fc.Arbitrary<Draft> = fc.oneof(...ROUTES.map(draftFor));
