import { isObject, toWireJson } from './json.js';

/** Minimum size of a chunk in characters. */
const CHUNK_SIZE = 64 * 1024;

/** Levels that are serialized value by value; the messages of a list of states are on the fifth. Lower ones are one piece. */
const MAX_LEVELS = 5;

/** JSON that is passed from the database to a client without being parsed. */
export class JsonText {
  /** `read` returns valid JSON, or a promise of it that is requested only when the client has read what precedes it. */
  constructor(readonly read: () => string | Promise<string>) {}

  /** For code that does not use {@link jsonChunks}. Not supported if `read` returns a promise. */
  toJSON(): unknown {
    return JSON.parse(this.read() as string) as unknown;
  }
}

/**
 * `toWireJson(value)` in chunks of about 64 KB, each serialized on demand: a large state is never one string. Items of an
 * async iterable are serialized as they arrive.
 */
export async function* jsonChunks(value: unknown): AsyncGenerator<string, void> {
  let chunk = '';
  for await (const part of parts(value)) {
    for (const piece of part) {
      chunk += typeof piece === 'string' ? piece : await piece;
      if (chunk.length >= CHUNK_SIZE) {
        yield chunk;
        chunk = '';
      }
    }
  }
  yield chunk;
}

async function* parts(value: unknown): AsyncGenerator<Iterable<Piece>> {
  if (!isAsyncIterable(value)) {
    yield pieces(value, MAX_LEVELS);
    return;
  }
  let before = '[';
  for await (const item of value) {
    yield [before];
    yield pieces(item, MAX_LEVELS - 1);
    before = ',';
  }
  yield [before === '[' ? '[]' : ']'];
}

type Piece = string | Promise<string>;

function* pieces(value: unknown, levels: number): Generator<Piece> {
  if (value instanceof JsonText) {
    yield value.read();
  } else if (levels > 0 && Array.isArray(value)) {
    yield* listPieces(value, levels - 1);
  } else if (levels > 0 && isPlain(value)) {
    yield* objectPieces(value, levels - 1);
  } else {
    yield toWireJson(value);
  }
}

function* listPieces(list: unknown[], levels: number): Generator<Piece> {
  let before = '[';
  for (const item of list) {
    yield before;
    yield* pieces(item, levels);
    before = ',';
  }
  yield list.length === 0 ? '[]' : ']';
}

function* objectPieces(object: Record<string, unknown>, levels: number): Generator<Piece> {
  let before = '{';
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined && typeof value !== 'function' && typeof value !== 'symbol') {
      yield `${before}${JSON.stringify(key)}:`;
      yield* pieces(value, levels);
      before = ',';
    }
  }
  yield before === '{' ? '{}' : '}';
}

/** Other objects, such as messages, define their own serialization. */
const isPlain = (value: unknown): value is Record<string, unknown> =>
  isObject(value) &&
  typeof value.toJSON !== 'function' &&
  typeof value.toDict !== 'function' &&
  !(value instanceof Error) &&
  !(value instanceof Uint8Array);

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
