import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { describe, expect, it } from '@jest/globals';
import { JsonText, jsonChunks } from './json-chunks.js';
import { toWireJson } from './json.js';

const chunksOf = async (value: unknown): Promise<string[]> => {
  const chunks: string[] = [];
  for await (const chunk of jsonChunks(value)) {
    chunks.push(chunk);
  }
  return chunks;
};
const written = async (value: unknown): Promise<string> => (await chunksOf(value)).join('');

class Point {
  constructor(readonly x: number) {}
}

describe('JSON in chunks equals JSON in one string', () => {
  const deep = [[[[[[[[{ a: [new HumanMessage('deep')] }]]]]]]]];
  it.each<[string, unknown]>([
    ['scalars', [1, 'two', null, true, Number.NaN]],
    ['nothing at all', undefined],
    ['empty lists and objects', { list: [], object: {}, nested: [[], {}] }],
    ['what JSON leaves out', { a: undefined, b: () => 1, c: Symbol('c'), d: [undefined, () => 1, Symbol('d')] }],
    ['only what JSON leaves out', { a: undefined }],
    ['keys and texts that need escapes', { 'a"\n': 'b\\"\u2028', '': '\ud800' }],
    ['dates and big numbers', { at: new Date(0), big: 12n, list: [new Date(1), 3n] }],
    ['errors', { error: new TypeError('no'), list: [new Error('neither')] }],
    ['messages', { messages: [new HumanMessage({ id: '1', content: 'hi' }), new AIMessage({ content: '' })] }],
    ['a message alone', new HumanMessage('hi')],
    ['objects of classes, maps and sets', { point: new Point(1), map: new Map([[1, 2]]), set: new Set([1]) }],
    ['objects without prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['what is deeper than pieces go', deep],
    ['holes', [1, , 3]], // eslint-disable-line no-sparse-arrays
  ])('for %s', async (_, value) => {
    expect(await written(value)).toBe(toWireJson(value));
  });
});

describe('JSON text', () => {
  it('is passed through unchanged at any position', async () => {
    const text = new JsonText(() => '{"a": 1.0}');
    const later = new JsonText(() => Promise.resolve('[ ]'));
    expect(await written({ list: [text, later], text })).toBe('{"list":[{"a": 1.0},[ ]],"text":{"a": 1.0}}');
  });

  it('is a parsed value for JSON.stringify', () => {
    expect(JSON.stringify({ values: new JsonText(() => '{"a": 1.0}') })).toBe('{"values":{"a":1}}');
  });

  it('is read only when it is written', async () => {
    const read: number[] = [];
    const source = (n: number): JsonText => new JsonText(() => (read.push(n), JSON.stringify('x'.repeat(100_000))));
    const chunks = jsonChunks([source(1), source(2), source(3)]);
    await chunks.next();
    expect(read).toEqual([1]);
  });
});

describe('an async iterable', () => {
  it.each([[[]], [[1]], [[{ a: 1 }, [new HumanMessage('hi')], null]]])('is written like %j', async (items) => {
    async function* list(): AsyncGenerator<unknown> {
      yield* await Promise.resolve(items);
    }
    expect(await written(list())).toBe(toWireJson(items));
  });

  it('is read only as far as it is written', async () => {
    let made = 0;
    async function* list(): AsyncGenerator<string> {
      for (;;) {
        made++;
        yield await Promise.resolve('x'.repeat(40_000));
      }
    }
    const chunks = jsonChunks(list());
    await chunks.next();
    expect(made).toBe(2);
    await chunks.return();
  });
});

it('chunks have a size that does not depend on the size of the value', async () => {
  const messages = Array.from(
    { length: 5_000 },
    (_, n) => new HumanMessage({ id: String(n), content: 'x'.repeat(500) }),
  );
  const chunks = await chunksOf({ values: { messages } });
  expect(chunks.join('')).toBe(toWireJson({ values: { messages } }));
  expect(chunks.length).toBeGreaterThan(20);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(70_000);
});
