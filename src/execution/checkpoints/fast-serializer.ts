import { load } from '@langchain/core/load';
import type { BaseCheckpointSaver } from '@langchain/langgraph';

type Serializer = BaseCheckpointSaver['serde'];

/** An object with a key `lc`: what LangGraph's serializer writes for everything that JSON has no form for. */
type Marked = Record<string, unknown>;

/** Where a marked object stands. */
interface Place {
  holder: Record<PropertyKey, unknown>;
  key: PropertyKey;
  value: Marked;
}

/**
 * JSON that LangGraph's serializer gives back otherwise than `JSON.parse` does: with a key `lc`, a key `__proto__`, or
 * either of them in escapes, which nothing writes but which anything may have written.
 */
const MARKED = /"lc"|"__proto__"|\\u00[5-7]/;
const UNUSUAL = /"__proto__"|\\u00[5-7]/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * LangGraph's own serializer with the same results in less time: what is plain JSON is left to `JSON`, instead of
 * being visited value by value. See docs/decisions/0008-checkpoint-serde.md.
 */
export class FastSerializer implements Serializer {
  constructor(private readonly official: Serializer) {}

  dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    return isPlain(value, [])
      ? Promise.resolve(['json', encoder.encode(JSON.stringify(value))])
      : this.official.dumpsTyped(value);
  }

  async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    if (type !== 'json') {
      return this.official.loadsTyped(type, data);
    }
    const json = typeof data === 'string' ? data : decoder.decode(data);
    if (!MARKED.test(json)) {
      return JSON.parse(json);
    }
    return UNUSUAL.test(json) ? this.official.loadsTyped(type, json) : this.revive(JSON.parse(json));
  }

  /** Marked objects change, whatever is around them stays as it was parsed. */
  private async revive(value: unknown): Promise<unknown> {
    const root = { value };
    const messages: Place[] = [];
    const others: Place[] = [];
    findMarked(root, 'value', value, (place) => (isLangChainObject(place.value) ? messages : others).push(place));
    const loadOfficially = (json: string): Promise<unknown> => this.official.loadsTyped('json', json);
    await Promise.all([
      replace(others, loadOfficially),
      // What the official serializer would call for each of them. When one of them is refused, the error is its own.
      replace(messages, (json) => load(json).catch(() => loadOfficially(json))),
    ]);
    return root.value;
  }
}

/** Hands the outermost marked objects of a parsed value to `found`. */
function findMarked(holder: object, key: PropertyKey, value: unknown, found: (place: Place) => void): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  if (Object.hasOwn(value, 'lc')) {
    found({ holder: holder as Place['holder'], key, value: value as Marked });
    return;
  }
  for (const name of Object.keys(value)) {
    findMarked(value, name, (value as Place['holder'])[name], found);
  }
}

/** A message or another serialized object of LangChain, with nothing marked inside. */
const isLangChainObject = (value: Marked): boolean =>
  value.lc === 1 && value.type === 'constructor' && Array.isArray(value.id) && !Object.values(value).some(isMarked);

const isMarked = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (Object.hasOwn(value, 'lc') || Object.values(value).some(isMarked));

/** Puts what `revive` makes of the objects, all in one JSON, into their places. */
async function replace(places: Place[], revive: (json: string) => Promise<unknown>): Promise<void> {
  if (places.length === 0) {
    return;
  }
  const revived = (await revive(JSON.stringify(places.map(({ value }) => value)))) as unknown[];
  places.forEach(({ holder, key }, index) => {
    holder[key] = revived[index];
  });
}

/**
 * True when `JSON.stringify` writes a value as LangGraph's serializer does: nothing in it is undefined, an instance of
 * a class, a `Send` (told by its `lg_name`), a big integer or one of its own ancestors.
 */
function isPlain(value: unknown, ancestors: unknown[]): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
  }
  const isArray = Array.isArray(value);
  const { lg_name, toJSON } = value as { lg_name?: unknown; toJSON?: unknown };
  if (
    Object.getPrototypeOf(value) !== (isArray ? Array.prototype : Object.prototype) ||
    lg_name !== undefined ||
    toJSON !== undefined ||
    ancestors.includes(value)
  ) {
    return false;
  }
  ancestors.push(value);
  // Unlike methods of arrays, this loop sees holes, which the official serializer keeps.
  for (const part of isArray ? (value as unknown[]) : Object.values(value)) {
    if (!isPlain(part, ancestors)) {
      return false;
    }
  }
  ancestors.pop();
  return true;
}
