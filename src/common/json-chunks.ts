import { isObject, toWireJson } from './json.js';

/** Characters after which a piece of an answer is sent. */
const CHUNK = 64 * 1024;

/** Levels that are written value by value; a list of states has its messages on the fifth. What is below is one piece. */
const LEVELS = 5;

/** JSON on its way from the database to a client, which nobody needs as a value in between. */
export class JsonText {
  /** `read` gives valid JSON, at once or when it is its turn to be sent. */
  constructor(readonly read: () => string | Promise<string>) {}

  /** For those who write it otherwise than with {@link jsonChunks}; not for text that is read later. */
  toJSON(): unknown {
    return JSON.parse(this.read() as string) as unknown;
  }
}

/**
 * The text of `toWireJson(value)` in pieces of about 64 KB, each written when it is asked for: the whole of a large
 * state never is one text. Of a list that is still being made, each item is written when it is there.
 */
export async function* jsonChunks(value: unknown): AsyncGenerator<string, void> {
  let chunk = '';
  for await (const part of parts(value)) {
    for (const piece of part) {
      chunk += typeof piece === 'string' ? piece : await piece;
      if (chunk.length >= CHUNK) {
        yield chunk;
        chunk = '';
      }
    }
  }
  yield chunk;
}

async function* parts(value: unknown): AsyncGenerator<Iterable<Piece>> {
  if (!isAsyncIterable(value)) {
    yield pieces(value, LEVELS);
    return;
  }
  let before = '[';
  for await (const item of value) {
    yield [before];
    yield pieces(item, LEVELS - 1);
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

/** Others, messages among them, say themselves how they are written. */
const isPlain = (value: unknown): value is Record<string, unknown> =>
  isObject(value) &&
  typeof value.toJSON !== 'function' &&
  typeof value.toDict !== 'function' &&
  !(value instanceof Error) &&
  !(value instanceof Uint8Array);

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
