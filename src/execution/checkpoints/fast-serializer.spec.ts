import { describe, expect, it, jest } from '@jest/globals';
import { AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { Send } from '@langchain/langgraph';
import { DeltaSnapshot, JsonPlusSerializer } from '@langchain/langgraph-checkpoint';
import { FastSerializer } from './fast-serializer.js';

const official = new JsonPlusSerializer();
const fast = new FastSerializer(official);

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (json: string): Uint8Array => new TextEncoder().encode(json);

/** What became of a promise, as a value. */
async function settled(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function expectSameDump(value: unknown): Promise<void> {
  const [type, dumped] = await fast.dumpsTyped(value);
  const [officialType, officiallyDumped] = await official.dumpsTyped(value);
  expect(type).toBe(officialType);
  expect(text(dumped)).toBe(text(officiallyDumped));
  await expectSameLoad(text(dumped));
}

/** The same value, of the same classes, and the same again when it is dumped, or the same error. */
async function expectSameLoad(json: string): Promise<void> {
  const expected = await settled(official.loadsTyped('json', bytes(json)));
  expect(await settled(fast.loadsTyped('json', bytes(json)))).toStrictEqual(expected);
  expect(await settled(fast.loadsTyped('json', json))).toStrictEqual(expected);
  expect(await settled(fast.loadsTyped('json', Buffer.from(json)))).toStrictEqual(expected);
}

const cyclic: Record<string, unknown> = { name: 'cyclic', inside: { list: [1] } };
cyclic.self = { again: cyclic };
(cyclic.inside as { list: unknown[] }).list.push(cyclic.inside);

const shared = { a: [1] };

const VALUES: [name: string, value: unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['text', 'text with "quotes", \\ and \u2028 \u0000 \ud83d\ude00'],
  ['half a surrogate pair', ['\ud800', 'x\udc00y']],
  ['numbers', [0, -0, 1.5, 1e21, Number.MAX_SAFE_INTEGER + 2, NaN, Infinity, -Infinity]],
  ['a plain state', { rows: [{ id: 1, tags: ['a'], nested: { x: null, y: true } }], empty: [{}, [], ''] }],
  ['undefined properties', { a: undefined, b: { c: undefined, d: [undefined, 1] } }],
  ['an array with holes', [1, , 3]], // eslint-disable-line no-sparse-arrays
  ['a big integer', { n: 12345678901234567890n }],
  ['functions and symbols', { f: () => 1, s: Symbol('s'), list: [() => 1, Symbol('t')] }],
  ['a date', { at: new Date('2024-01-02T03:04:05.678Z'), invalid: [new Date(Number.NaN)].length }],
  ['sets and maps', { set: new Set([1, 'a', { b: new Set([2]) }]), map: new Map([['k', { v: new Map([[1, 2]]) }]]) }],
  ['a map with objects as keys', new Map<unknown, unknown>([[{ a: 1 }, [2]]])],
  ['regular expressions', [/a"b\/c/giu, { inside: /x/ }]],
  ['errors', [new Error('plain'), new TypeError('typed'), { cause: new RangeError('deep') }]],
  ['bytes', new Uint8Array([0, 1, 255])],
  ['bytes in an object', { bytes: new Uint8Array([0, 1, 255]), buffer: Buffer.from('abc') }],
  ['sends', [new Send('node', { x: new Set([1]), y: undefined })]],
  ['what looks like a Send', [{ lg_name: 'Send', node: 'n', args: { a: 1 }, other: 2 }]],
  ['a delta snapshot', new DeltaSnapshot([{ a: 1 }, new HumanMessage('hi')])],
  ['a cycle', cyclic],
  ['an object in two places', { one: shared, two: shared, list: [shared, shared] }],
  ['messages', messages(5)],
  ['messages among other things', { messages: messages(3), rows: [{ last: messages(2) }], gone: undefined }],
  ['a message in a message', new AIMessage({ content: 'x', additional_kwargs: { inner: new HumanMessage('y') } })],
  ['a message with what it cannot keep', [new HumanMessage({ content: 'x', additional_kwargs: { s: new Set([1]) } })]],
  ['a message with a name that is undefined', [new HumanMessage({ content: 'x', name: undefined })]],
  ['a message chunk', [new AIMessageChunk({ content: 'par', tool_call_chunks: [{ name: 't', args: '{', index: 0 }] })]],
  ['a prompt', { prompt: ChatPromptTemplate.fromMessages([['human', '{question}']]) }],
  ['user data with a key lc', [{ lc: 1 }, { lc: 'x', a: undefined }, { lc: { lc: 2, type: 'undefined' } }, 'lc']],
  ['a message whose data has a key lc', [new HumanMessage({ content: 'x', additional_kwargs: { meta: { lc: 5 } } })]],
  ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1, b: [{ c: 2 }] })],
  ['an object with toJSON', [{ toJSON: () => ({ a: undefined, b: new Set([1]) }) }]],
  ['an object with a hidden toJSON', [Object.defineProperty({ a: 1 }, 'toJSON', { value: () => new Set([1]) })]],
  ['an object with getters', { get a() { return [1, { b: 2 }]; }, get c() { return undefined; } }], // prettier-ignore
  ['an array with toJSON', [Object.assign([1], { toJSON: () => undefined })]],
  ['instances of classes', [new (class Point { x = 1; y = undefined; })(), Object.create({ inherited: 1 })]], // prettier-ignore
  ['boxed primitives', [new String('a'), new Number(1), new Boolean(false)]],
  ['keys that look like numbers', { 2: 'b', 1: 'a', '-1': 'c', x: { 10: 1, 9: [2] } }],
];

const TEXTS: [name: string, json: string][] = [
  ['a prototype', '{"a":{"__proto__":{"polluted":true}},"b":[{"__proto__":null}]}'],
  ['a prototype in a message', JSON.stringify(messages(1)).replace('"id"', '"__proto__":{"x":1},"id"')],
  ['escaped keys', '[{"\\u006c\\u0063":2,"type":"undefined"},{"\\u005f_proto__":{"a":1}},{"l\\u0063":2,"type":"undefined"}]'],
  ['spaces as Python writes them', '{"s": {"lc": 2, "type": "constructor", "id": ["Set"], "args": [[1, 2]], "kwargs": {}}}'],
  ['an unknown constructor', '[{"lc":2,"type":"constructor","id":["Function"],"args":["return 1"]},{"lc":2,"type":"x"}]'],
  ['a set with a method', '{"lc":2,"type":"constructor","id":["Set"],"method":"add","args":[[1]]}'],
  ['a broken expression', '{"lc":2,"type":"constructor","id":["RegExp"],"args":["(","g"]}'],
  ['a class that does not exist', '[{"lc":1,"type":"constructor","id":["langchain_core","messages","Nobody"],"kwargs":{}}]'],
  ['a class of somebody else', '{"m":{"lc":1,"type":"constructor","id":["elsewhere","Thing"],"kwargs":{"a":1}},"n":[{"lc":2,"type":"undefined"}]}'],
  ['a secret', '{"lc":1,"type":"secret","id":["KEY"]}'],
  ['something that cannot be loaded', '[{"lc":1,"type":"not_implemented","id":["a"]}]'],
  ['a marked object of another kind', '[{"lc":1,"type":"other","id":["a"],"kwargs":{"__lc_escaped__":{"a":1}}}]'],
  ['a marked object without an id', '[{"lc":1,"type":"constructor","kwargs":{"__lc_escaped__":{"a":1}}}]'],
  ['an object without its parts', '[{"lc":1,"type":"constructor","id":["langchain_core","messages","HumanMessage"]}]'],
  ['a message beside an unknown one', `[${JSON.stringify(new HumanMessage('x'))},{"lc":1,"type":"constructor","id":["a"],"kwargs":{}}]`],
  ['a message with something marked beside its parts', JSON.stringify(new HumanMessage('x')).replace('{"lc"', '{"x":{"lc":1,"type":"constructor","id":["a"],"kwargs":{}},"lc"')],
  ['messages nested deep enough to be refused', deepMessage(60)],
  ['messages nested nearly deep enough to be refused', deepMessage(48)],
  ['negative zero and too large a number', `{"a":[-0,1e999],"m":${JSON.stringify(new HumanMessage('x')).replace('"content":"x"', '"content":"x","additional_kwargs":{"z":-0,"i":1e999}')}}`],
  ['no JSON', '{"a":'],
  ['no JSON with a mark', '{"lc":'],
  ['nothing', ''],
]; // prettier-ignore

describe('FastSerializer', () => {
  it.each(VALUES)('writes and reads %s as the official serializer does', (_name, value) => expectSameDump(value));

  it.each(TEXTS)('reads %s as the official serializer does', (_name, json) => expectSameLoad(json));

  it('reads bytes as they are, and refuses what it does not know', async () => {
    const data = Buffer.from([1, 2, 255]);
    expect(await fast.loadsTyped('bytes', data)).toBe(data);
    expect(await fast.loadsTyped('bytes', 'abc')).toEqual(new TextEncoder().encode('abc'));
    await expect(fast.loadsTyped('msgpack', data)).rejects.toThrow('Unknown serialization type: msgpack');
  });

  it('does the same with 1,000 values out of all of these', async () => {
    const random = randomNumbers(20_240_607);
    for (let round = 0; round < 1_000; round++) {
      await expectSameDump(randomValue(random, 4));
    }
  });

  it('does the same with 1,000 texts full of what the official serializer looks for', async () => {
    const random = randomNumbers(42);
    for (let round = 0; round < 1_000; round++) {
      await expectSameLoad(JSON.stringify(randomJson(random, 5)));
    }
  });

  it('leaves plain values and plain JSON to JSON', async () => {
    const calls = [jest.spyOn(official, 'dumpsTyped'), jest.spyOn(official, 'loadsTyped')];
    const row = { a: 1, b: ['x', null, true] };
    const state = { rows: [row, row], last: row };
    const [type, dumped] = await fast.dumpsTyped(state);
    expect(await fast.loadsTyped(type, dumped)).toEqual(state);
    expect(await fast.loadsTyped('json', JSON.stringify(messages(3)))).toEqual(messages(3));
    calls.forEach((call) => expect(call).not.toHaveBeenCalled());
    jest.restoreAllMocks();
  });
});

function messages(count: number) {
  const kinds = [
    (id: string) => new HumanMessage({ content: [{ type: 'text', text: 'hi' }], id }),
    (id: string) =>
      new AIMessage({
        content: 'calls "it"',
        id,
        tool_calls: [{ name: 'search', args: { q: { deep: [1, null] } }, id: 'c', type: 'tool_call' }],
        usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
        response_metadata: { model: 'm' },
      }),
    (id: string) => new ToolMessage({ content: 'found', tool_call_id: 'c', id, artifact: { rows: [1, 2] } }),
    (id: string) => new SystemMessage({ content: '', id, name: 'sys' }),
  ];
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length](`m${index}`));
}

function deepMessage(levels: number): string {
  const [message] = messages(1);
  message.additional_kwargs = { deep: Array.from({ length: levels }).reduce((inner) => ({ inner }), 1) };
  return JSON.stringify([message]);
}

/** The same numbers for the same seed (mulberry32), so that a failure can be looked at. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomNumbers>;

const pick = <T>(random: Random, choices: readonly T[]): T => choices[random(choices.length)];

/** Objects and arrays, nested at random, with the values above as leaves. */
function randomValue(random: Random, depth: number): unknown {
  const children = (): unknown[] => Array.from({ length: random(4) }, () => randomValue(random, depth - 1));
  switch (depth === 0 ? 0 : random(6)) {
    case 0:
    case 1:
      return pick(random, VALUES)[1];
    case 2:
      return children();
    case 3:
      return pick(random, [(list: unknown[]) => new Set(list), (list: unknown[]) => new Map(list.entries())])(
        children(),
      );
    default:
      return Object.fromEntries(children().map((child, index) => [pick(random, ['a', 'b', `k${index}`]), child]));
  }
}

const JSON_LEAVES = [1, 2, 'x', 'lc', null, true, 'undefined', 'constructor', ['Set'], [[1, 2]], ['Error'], ['a']];
const JSON_KEYS = ['lc', 'type', 'id', 'args', 'kwargs', 'method', 'value', '__lc_escaped__', 'a', 'b'];
const JSON_RECORDS = [
  { lc: 2, type: 'undefined' },
  { lc: 2, type: 'constructor', id: ['Set'], args: [[1, 1]] },
  { lc: 2, type: 'constructor', id: ['Uint8Array'], method: 'from', args: [[1, 256]] },
  { lc: 2, type: 'delta_snapshot', value: [1] },
  { lc: 1, type: 'secret', id: ['A'] },
];

/** JSON that looks like what the official serializer writes, mostly in the wrong places. */
function randomJson(random: Random, depth: number): unknown {
  switch (depth === 0 ? 0 : random(7)) {
    case 0:
      return pick(random, JSON_LEAVES);
    case 1:
      return pick(random, [...JSON_RECORDS, ...messages(4)]);
    case 2:
    case 3:
      return Array.from({ length: random(4) }, () => randomJson(random, depth - 1));
    case 4: {
      const message = JSON.parse(JSON.stringify(pick(random, messages(4)))) as { kwargs: Record<string, unknown> };
      message.kwargs.additional_kwargs = { extra: randomJson(random, depth - 1) };
      return message;
    }
    default:
      return Object.fromEntries(
        Array.from({ length: random(5) }, () => [pick(random, JSON_KEYS), randomJson(random, depth - 1)]),
      );
  }
}
