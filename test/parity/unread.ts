import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inSnakeCase } from '../compatibility/methods.js';
import { DOCUMENT, type Operation, type Schema } from './document.js';
import type { Recorded } from './recorded.js';

type Sdk = 'JavaScript' | 'Python';

/** What an SDK sends and we leave unread, and why; docs/compatibility.md lists it. */
interface Excuse {
  /** Who sends it. */
  sdks: Sdk[];
  /** Pattern of the method of the SDK. */
  by: string;
  /** Pattern of the request, and what of it. */
  what: string;
}

const EXCUSES = JSON.parse(readFileSync(path.join(import.meta.dirname, 'unread-on-purpose.json'), 'utf8')) as Excuse[];

const isWhole = (text: string, pattern: string): boolean => new RegExp(`^(?:${pattern})$`).test(text);

/** Headers that are about the request as such; every route reads or ignores them alike. */
const COMMON = ['accept', 'cache-control', 'content-length', 'content-type', 'user-agent', 'x-api-key', 'host', 'connection', 'accept-encoding']; // prettier-ignore

/** Of samples: stands for keys of the caller's choice. */
const ANY_KEY = 'any';

/** Finds unread parts of the requests of an SDK, and counts the excuses that were used. */
export class Readers {
  private readonly needed = new Set<object>();

  constructor(private readonly sdk: Sdk) {}

  /** Unread parts without an excuse. */
  surprisesIn(requests: Recorded[]): string[] {
    return [...new Set(requests.flatMap((request) => unread(request).filter((what) => !this.excuse(request, what))))];
  }

  /** To be asked when all requests have been looked at. */
  unnecessaryExcuses(): object[] {
    return this.excuses().filter((excuse) => !this.needed.has(excuse));
  }

  private excuse({ by }: Recorded, what: string): boolean {
    const excuse = this.excuses().find((one) => isWhole(by, one.by) && isWhole(what, one.what));
    if (excuse) {
      this.needed.add(excuse);
    }
    return excuse !== undefined;
  }

  private excuses() {
    return EXCUSES.filter(({ sdks }) => sdks.includes(this.sdk));
  }
}

/**
 * Parts of a request that no DTO has: a route, a parameter, a header, a key of its body, or a value that an enumeration
 * leaves out. Empty when we read all of it.
 */
function unread(request: Recorded): string[] {
  const operation = operationFor(request);
  if (!operation) {
    return [`${request.method} ${request.path}: there is no such route`];
  }
  const known = (place: string): string[] =>
    (operation.parameters ?? []).filter((one) => one.in === place).map(({ name }) => name.toLowerCase());
  const query = request.query.filter((name) => !known('query').includes(name)).map((name) => `query ${name}`);
  const headers = request.headers
    .filter((name) => ![...COMMON, ...known('header')].includes(name))
    .map((name) => `header ${name}`);
  const schema = operation.requestBody?.content['application/json']?.schema;
  const value = request.path === '/runs/batch' ? spelledAsRead(request.body) : request.body;
  const body = value === undefined ? [] : unreadIn(value, schema ?? { properties: {} }, 'body');
  return [...query, ...headers, ...body].map((what) => `${request.method} ${request.path}: ${what}`);
}

/** The JavaScript SDK spreads its own arguments into batches, where both spellings are read (contract 1.3). */
const spelledAsRead = (body: unknown): unknown =>
  (body as object[]).map((item) =>
    Object.fromEntries(Object.entries(item).map(([key, value]) => [inSnakeCase(key), value as unknown])),
  );

/** `/threads/{thread_id}`: a segment that is written out wins over a parameter. */
function operationFor({ method, path }: Recorded): Operation | undefined {
  const { paths } = DOCUMENT;
  const segments = path.split('/');
  const fits = (route: string): boolean => {
    const parts = route.split('/');
    return parts.length === segments.length && parts.every((part, at) => part.startsWith('{') || part === segments[at]);
  };
  const parameters = (route: string): number => route.split('{').length;
  const [route] = Object.keys(paths)
    .filter((one) => fits(one) && method.toLowerCase() in paths[one])
    .sort((a, b) => parameters(a) - parameters(b));
  return route === undefined ? undefined : paths[route][method.toLowerCase()];
}

function unreadIn(value: unknown, schema: Schema, at: string): string[] {
  const choices = choicesOf(schema);
  const all = choices.map((choice) => unreadInChoice(value, choice, at));
  // Read by one of the alternatives is read.
  return all.sort((a, b) => a.length - b.length)[0];
}

function unreadInChoice(value: unknown, schema: Schema, at: string): string[] {
  if (schema.enum && !schema.enum.includes(value) && value !== null) {
    return [`${at}: ${JSON.stringify(value)}`];
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((item, index) => unreadIn(item, items, `${at}[${index}]`)) : [];
  }
  const { properties } = schema;
  if (!properties || typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === ANY_KEY) {
      return [];
    }
    if (key in properties) {
      return unreadIn(inner, properties[key], `${at}.${key}`);
    }
    return schema.additionalProperties ? [] : [`${at}.${key}`];
  });
}

/** The schemas themselves: without references, and with alternatives side by side. */
function choicesOf(schema: Schema): Schema[] {
  if (schema.$ref) {
    return choicesOf(DOCUMENT.components.schemas[schema.$ref.replace('#/components/schemas/', '')]);
  }
  const alternatives = schema.oneOf ?? schema.anyOf ?? (schema.allOf?.length === 1 ? schema.allOf : undefined);
  return alternatives ? alternatives.flatMap((one) => choicesOf(one)) : [schema];
}
