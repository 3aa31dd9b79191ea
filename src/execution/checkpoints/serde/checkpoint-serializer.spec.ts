import { describe, expect, it } from '@jest/globals';
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { ChatPromptValue, StringPromptValue } from '@langchain/core/prompt_values';
import { ChatPromptTemplate, MessagesPlaceholder, PromptTemplate } from '@langchain/core/prompts';
import { RunnableLambda } from '@langchain/core/runnables';
import { Send } from '@langchain/langgraph';
import { DeltaSnapshot, JsonPlusSerializer } from '@langchain/langgraph-checkpoint';
import { toWireJson } from '../../../common/index.js';
import { CheckpointSerializer } from './checkpoint-serializer.js';

const official = new JsonPlusSerializer();
const ours = new CheckpointSerializer();

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const written = async (value: unknown): Promise<string> => text((await ours.dumpsTyped(value))[1]);

const restored = async (value: unknown): Promise<unknown> => ours.loadsTyped(...(await ours.dumpsTyped(value)));

const humanMark = (kwargs: object) => ({
  lc: 1,
  type: 'constructor',
  id: ['langchain_core', 'messages', 'HumanMessage'],
  kwargs,
});

const constructorMark = (name: string, args: unknown, more = {}) => ({
  lc: 2,
  type: 'constructor',
  id: [name],
  method: null,
  args,
  kwargs: {},
  ...more,
});

/** An object that is referenced twice but not circular. */
const shared = { a: [1] };

class Named extends HumanMessage {
  override name = 'named';
}

class Point {
  x = 1;
  y = undefined;
}

/** Values that both serializers write as the same bytes and read as the same values. */
const COMMON: [name: string, value: unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a string', 'with "quotes", \\ and \u2028 \u0000 \ud83d\ude00 "lc"'],
  ['unpaired surrogates', ['\ud800', 'x\udc00y']],
  ['numbers', [0, -0, 1.5, 1e21, Number.MAX_SAFE_INTEGER + 2, NaN, Infinity, -Infinity]],
  ['a plain state', { rows: [{ id: 1, tags: ['a'], nested: { x: null, y: true } }], empty: [{}, [], ''] }],
  ['undefined properties', { a: undefined, b: { c: undefined, d: [undefined, 1] } }],
  ['an array with holes', [1, , 3]], // eslint-disable-line no-sparse-arrays
  ['functions and symbols', { f: () => 1, s: Symbol('s'), list: [() => 1, Symbol('t')] }],
  ['dates', { at: new Date('2024-01-02T03:04:05.678Z'), invalid: new Date(Number.NaN) }],
  ['sets and maps', { set: new Set([1, 'a', { b: new Set([2]) }]), map: new Map([['k', { v: new Map([[1, 2]]) }]]) }],
  ['a map with objects as keys', new Map<unknown, unknown>([[{ a: 1 }, [2]]])],
  ['regular expressions', [/a"b\/c/giu, { inside: /x/ }]],
  ['errors', [new Error('plain'), { cause: new Error('deep') }]],
  ['bytes', new Uint8Array([0, 1, 255])],
  ['bytes in an object', { bytes: new Uint8Array([0, 1, 255]), buffer: Buffer.from('abc') }],
  ['sends', [new Send('node', { x: new Set([1]), y: undefined })]],
  ['a delta snapshot', new DeltaSnapshot([{ a: 1 }, new HumanMessage('hi')])],
  ['an object in two places', { one: shared, two: shared, list: [shared, shared] }],
  ['messages', messages()],
  ['messages among other things', { messages: messages(), rows: [{ last: messages() }], gone: undefined }],
  ['a message in a message', new AIMessage({ content: 'x', additional_kwargs: { inner: new HumanMessage('y') } })],
  ['a message with a name that is undefined', [new HumanMessage({ content: 'x', name: undefined })]],
  ['a message chunk', [new AIMessageChunk({ content: 'par', tool_call_chunks: [{ name: 't', args: '{', index: 0 }] })]],
  ['prompts', [ChatPromptTemplate.fromMessages([['human', '{q}'], new MessagesPlaceholder('past')]), PromptTemplate.fromTemplate('{a}')]], // prettier-ignore
  ['a prompt value', new ChatPromptValue(messages())],
  ['keys lc that mark nothing', [{ lc: 'en' }, { lc: 3, type: 'constructor' }, { lc: null }, { lc: [1] }]],
  ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1, b: [{ c: 2 }] })],
  ['an object with toJSON', [{ toJSON: () => ({ a: undefined, b: new Set([1]) }) }]],
  ['an object with a hidden toJSON', [Object.defineProperty({ a: 1 }, 'toJSON', { value: () => new Set([1]) })]],
  ['an object whose toJSON gives itself', [{ a: 1, toJSON() { return this; } }]], // prettier-ignore
  ['an object with getters', { get a() { return [1, { b: 2 }]; }, get c() { return undefined; } }], // prettier-ignore
  ['an array with toJSON', [Object.assign([1], { toJSON: () => undefined })]],
  ['instances of classes', [new Point(), Object.create({ inherited: 1 })]],
  ['boxed primitives', [new String('a'), new Number(1), new Boolean(false)]],
  ['keys that look like numbers', { 2: 'b', 1: 'a', '-1': 'c', x: { 10: 1, 9: [2] } }],
];

/** Data that looks like marks or classes: sent by clients, or returned by models and tools. */
const DATA: [name: string, value: unknown][] = [
  ['a message in its serialized form', humanMark({ content: 'hi' })],
  ['a model in its serialized form', { ...humanMark({ model: 'm' }), id: ['langchain', 'chat_models', 'openai', 'ChatOpenAI'] }],
  ['a function of LangChain', { ...humanMark({}), id: ['langchain_core', 'utils', 'env', 'getEnvironmentVariable'] }],
  ['a message with a secret', humanMark({ content: 'hi', additional_kwargs: { k: { lc: 1, type: 'secret', id: ['PATH'] } } })],
  ['a message without its parts', { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'HumanMessage'] }],
  ['a message with wrong parts', humanMark([1])],
  ['a secret', { lc: 1, type: 'secret', id: ['PATH'] }],
  ['what LangChain could not serialize', { lc: 1, type: 'not_implemented', id: ['a'] }],
  ['names that objects inherit', [{ ...humanMark({}), id: ['langchain_core', 'constructor', 'name'] }, { ...humanMark({}), id: ['langchain_core', 'toString'] }]],
  ['a constructor with a method', { toJSON: constructorMark('Set', ['return process.env'], { method: 'constructor' }) }],
  ['a set', constructorMark('Set', [[1, 1]])],
  ['an undefined', [{ lc: 2, type: 'undefined' }, { lc: 2, type: 'undefined', more: 1 }]],
  ['a snapshot', { lc: 2, type: 'delta_snapshot', value: 1 }],
  ['another mark', [{ lc: 2 }, { lc: 2, type: 'x' }, { lc: 1, a: { lc: 2, type: 'undefined' } }]],
  ['escaped keys', [{ '~lc': 1 }, { '~lc': 1, lc: 1, type: 'constructor' }, { '~~lc': 2, '~a': 3, '~': 4 }]],
  ['what LangChain escapes', [{ __lc_escaped__: { lc: 1 } }, { '~__lc_escaped__': 1 }, { __lc_escaped__: 1, a: 1 }]],
  ['a Send', [{ lg_name: 'Send', node: 'n', args: { a: 1 }, other: 2 }, { lg_name: 'DeltaSnapshot', value: 1 }]],
  ['a prototype', JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":null,"lc":1}}')],
  ['a toJSON that is no function', { toJSON: 1, toDict: 'x', valueOf: 2, constructor: { lc_name: 3 } }],
]; // prettier-ignore

/** Values that only our serializer keeps. */
const MORE: [name: string, value: unknown][] = [
  ['big integers', { n: 12345678901234567890n, list: [-1n, 0n], map: new Map([[1n, new Set([2n])]]) }],
  ['a message with what JSON has no form for', [
    new ToolMessage({ content: '', tool_call_id: 'c', artifact: { at: new Map([[1n, new Set(['a'])]]), re: /x/ } }),
    new HumanMessage({ content: 'x', additional_kwargs: { inner: new HumanMessage('y'), none: [undefined, 1] } }),
  ]],
]; // prettier-ignore

/** Values that a response may contain. Sends are only in LangGraph's tasks channel, which responses omit. */
const VISIBLE = [...COMMON.filter(([name]) => name !== 'sends'), ...DATA, ...MORE];

describe('CheckpointSerializer', () => {
  describe.each(COMMON)('with %s', (_name, value) => {
    it('writes the same bytes as the official serializer', async () => {
      const [type, bytes] = await ours.dumpsTyped(value);
      const [officialType, officialBytes] = await official.dumpsTyped(value);
      expect([type, text(bytes)]).toEqual([officialType, text(officialBytes)]);
    });

    it('reads the same value as the official serializer', async () => {
      const [type, bytes] = await official.dumpsTyped(value);
      for (const data of [bytes, Buffer.from(bytes), text(bytes)]) {
        expect(await ours.loadsTyped(type, data)).toStrictEqual(await official.loadsTyped(type, data));
      }
    });
  });

  it.each(DATA)('restores data that looks like %s unchanged', async (_name, value) => {
    const found = await restored(value);
    expect(found).toEqual(value);
    expect(JSON.stringify(await restored(found))).toBe(JSON.stringify(value));
  });

  it.each(DATA)('restores data that looks like %s unchanged inside a message', async (_name, value) => {
    const message = new ToolMessage({ content: '', tool_call_id: 't', artifact: value, additional_kwargs: { value } });
    const found = (await restored(message)) as ToolMessage;
    expect(found.artifact).toEqual(value);
    expect(JSON.stringify(found.additional_kwargs)).toBe(JSON.stringify({ value }));
  });

  it.each(DATA)(
    'writes data that looks like %s so that the official serializer reads it as data',
    async (_name, value) => {
      const message = new HumanMessage({ content: 'x', additional_kwargs: { value } });
      const [found, inside] = (await official.loadsTyped('json', await written([value, message]))) as [
        unknown,
        BaseMessage,
      ];
      const seen = (object: unknown): string => JSON.stringify(object).replaceAll(/"~+/g, '"');
      // The official serializer sets the prototype for a key __proto__.
      expect(seen(found)).toBe(seen(value).replaceAll(/"__proto__":(\{.*?\}|null),/g, ''));
      expect(inside.content).toBe('x');
    },
  );

  it.each(MORE)('keeps %s', async (_name, value) => {
    expect(await restored(value)).toStrictEqual(value);
  });

  it('keeps the name of an error', async () => {
    const [typed, named] = (await restored([new TypeError('typed'), new RangeError('far')])) as Error[];
    expect([typed.name, typed.message, String(named)]).toEqual(['TypeError', 'typed', 'RangeError: far']);
  });

  it('stores a message of a project class as its LangChain superclass', async () => {
    const message = new Named({ content: 'x', id: '1' });
    const found = (await restored([message])) as BaseMessage[];
    expect(found[0].constructor).toBe(HumanMessage);
    expect(toWireJson(found)).toBe(toWireJson([message]));
    expect((await official.loadsTyped('json', await written(message))) as object).toBeInstanceOf(HumanMessage);
  });

  it('stores LangChain objects that are not data as plain objects', async () => {
    // The class of the second one cannot read what it writes.
    const state = { chain: RunnableLambda.from(() => 1), prompt: new StringPromptValue('hi') };
    expect(await restored(state)).toEqual(JSON.parse(JSON.stringify(state)));
  });

  it.each(VISIBLE)('restores %s with the same wire form', async (_name, value) => {
    const state = { value, list: [value], errors: [new TypeError('typed'), new Named('n')] };
    expect(toWireJson(await restored(state))).toBe(toWireJson(state));
  });

  describe('rejects and locates', () => {
    const inside: Record<string, unknown> = { name: 'circle', list: [1] };
    (inside.list as unknown[]).push({ again: inside });
    const angry = { toJSON: () => { throw new Error('no'); } }; // prettier-ignore
    const throwing = Object.defineProperty({}, 'odd key', { enumerable: true, get: () => { throw new Error('no'); } }); // prettier-ignore
    let deep: unknown = 1;
    for (let level = 0; level < 3_000; level++) {
      deep = { deep };
    }

    it.each([
      ['a circle', { inside }, 'inside.list[1].again: it contains itself'],
      ['a circle in a map', new Map([['a', inside]]), '[0][1].list[1].again: it contains itself'],
      ['a circle in a message', [new HumanMessage({ content: 'x', additional_kwargs: { inside } })], '[0].additional_kwargs.inside.list[1].again: it contains itself'],
      ['a toJSON that throws', [{ angry }], '[0].angry: it has a toJSON that throws Error: no'],
      ['a getter that throws', { throwing }, 'throwing["odd key"]: it has a getter that throws Error: no'],
      ['too many levels', [deep], 'the value: it is nested too deeply'],
    ])('%s', async (_name, value, message) => {
      await expect(ours.dumpsTyped(value)).rejects.toThrow(`Cannot serialize ${message}.`);
    }); // prettier-ignore
  });

  describe('when it reads data of other savers', () => {
    it.each([
      ['a class that does not exist', { ...humanMark({}), id: ['langchain_core', 'messages', 'Nothing'] }],
      ['a function beside the messages', { ...humanMark({}), id: ['langchain_core', 'messages', 'isBaseMessage'] }],
      ['a class of another package', { ...humanMark({ a: 1 }), id: ['elsewhere', 'Thing'] }],
      ['a function of LangChain', { ...humanMark({}), id: ['langchain_core', 'utils', 'env', 'getEnvironmentVariable'] }],
      ['a secret', { lc: 1, type: 'secret', id: ['PATH'] }],
      ['invalid parts', humanMark([1])],
      ['parts that the class rejects', { ...humanMark({ tool_calls: 5 }), id: ['langchain_core', 'messages', 'AIMessage'] }],
      ['a constructor of nothing', [{ lc: 2, type: 'constructor' }, constructorMark('Function', ['return 1'])]],
      ['a constructor with a method', constructorMark('Set', [[1]], { method: 'constructor' })],
      ['a map of no entries', constructorMark('Map', [[1]])],
      ['an invalid regular expression', constructorMark('RegExp', ['(', 'g'])],
      ['an invalid big integer', constructorMark('BigInt', ['1.5'])],
      ['invalid bytes', constructorMark('Uint8Array', [[256]], { method: 'from' })],
    ])('%s stays a plain object', async (_name, value) => {
      const json = JSON.stringify({ value });
      expect(await ours.loadsTyped('json', json)).toStrictEqual(JSON.parse(json));
    }); // prettier-ignore

    it('unescapes user data that LangChain escaped inside a message, and only there', async () => {
      const escaped = { __lc_escaped__: { lc: 1, type: 'secret', id: ['A'] } };
      const json = JSON.stringify([humanMark({ content: 'x', additional_kwargs: { escaped } }), { escaped }]);
      expect(await ours.loadsTyped('json', json)).toStrictEqual([
        new HumanMessage({ content: 'x', additional_kwargs: { escaped: escaped.__lc_escaped__ } }),
        { escaped },
      ]);
    });

    it('restores marks that contain escapes and spaces', async () => {
      const json =
        '[{"\\u006c\\u0063": 2, "type": "undefined"}, {"lc": 2, "type": "constructor", "id": ["Set"], "args": [[1]]}]';
      expect(await ours.loadsTyped('json', json)).toStrictEqual([undefined, new Set([1])]);
    });

    it('returns bytes unchanged, and rejects other types and broken JSON', async () => {
      const data = Buffer.from([1, 2, 255]);
      expect(await ours.loadsTyped('bytes', data)).toBe(data);
      expect(await ours.loadsTyped('bytes', 'abc')).toEqual(new TextEncoder().encode('abc'));
      await expect(ours.loadsTyped('msgpack', data)).rejects.toThrow('Unknown serialization type: msgpack');
      await expect(ours.loadsTyped('json', '{"lc":')).rejects.toThrow(SyntaxError);
    });
  });

  it('restores 2,000 random values made of all of these', async () => {
    const random = randomNumbers(20_240_607);
    for (let round = 0; round < 2_000; round++) {
      const state = { value: randomValue(random, 4) };
      const found = await restored(state);
      expect(toWireJson(found)).toBe(toWireJson(state));
      // A second round trip changes nothing.
      expect(await written(await restored(found))).toBe(await written(found));
    }
  });

  it('restores 2,000 random JSON values full of marks and escapes', async () => {
    const random = randomNumbers(42);
    for (let round = 0; round < 2_000; round++) {
      const json = JSON.stringify({ value: randomJson(random, 5) });
      const message = new HumanMessage({ content: '', additional_kwargs: { data: JSON.parse(json) as object } });
      const [value, found] = (await restored([JSON.parse(json), message])) as [unknown, HumanMessage];
      expect(JSON.stringify(value)).toBe(json);
      expect(JSON.stringify(found.additional_kwargs.data)).toBe(json);
      await official.loadsTyped('json', await written([JSON.parse(json), message]));
      // JSON of another saver must not cause an error.
      await ours.loadsTyped('json', json);
    }
  });
});

function messages(): BaseMessage[] {
  return [
    new HumanMessage({ content: [{ type: 'text', text: 'hi' }], id: 'm0' }),
    new AIMessage({
      content: 'calls "it"',
      id: 'm1',
      tool_calls: [{ name: 'search', args: { q: { deep: [1, null] } }, id: 'c', type: 'tool_call' }],
      usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
      response_metadata: { model: 'm' },
    }),
    new ToolMessage({ content: 'found', tool_call_id: 'c', id: 'm2', artifact: { rows: [1, 2] }, status: 'success' }),
    new SystemMessage({ content: '', id: 'm3', name: 'sys' }),
    new FunctionMessage({ content: 'f', name: 'fn' }),
    new ChatMessage({ content: 'c', role: 'critic' }),
    new RemoveMessage({ id: 'gone' }),
  ];
}

/** Seeded pseudorandom numbers (mulberry32), so that a failure can be reproduced. */
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

/** Randomly nested objects and arrays with the values above as leaves. */
function randomValue(random: Random, depth: number): unknown {
  const children = (): unknown[] => Array.from({ length: random(4) }, () => randomValue(random, depth - 1));
  switch (depth === 0 ? 0 : random(7)) {
    case 0:
    case 1:
      return pick(random, VISIBLE)[1];
    case 2:
      return children();
    case 3:
      return pick(random, [(list: unknown[]) => new Set(list), (list: unknown[]) => new Map(list.entries())])(
        children(),
      );
    case 4:
      return new ToolMessage({ content: 'x', tool_call_id: 't', artifact: randomValue(random, depth - 1) });
    default:
      return Object.fromEntries(children().map((child, index) => [pick(random, ['a', 'lc', `k${index}`]), child]));
  }
}

const JSON_LEAVES = [1, 2, 'x', 'lc', null, true, 'undefined', 'constructor', ['Set'], [[1, 2]], ['Error'], ['a']];
const JSON_KEYS = [
  'lc',
  'lc',
  '~lc',
  'type',
  'id',
  'args',
  'kwargs',
  'method',
  'value',
  '__lc_escaped__',
  'a',
  'lg_name',
];
const JSON_RECORDS = [
  { lc: 2, type: 'undefined' },
  constructorMark('Set', [[1, 1]]),
  constructorMark('Uint8Array', [[1, 256]], { method: 'from' }),
  { lc: 2, type: 'delta_snapshot', value: [1] },
  { lc: 1, type: 'secret', id: ['A'] },
  humanMark({ content: 'x' }),
];

/** JSON that resembles serializer output, mostly in the wrong places. */
function randomJson(random: Random, depth: number): unknown {
  switch (depth === 0 ? 0 : random(7)) {
    case 0:
      return pick(random, JSON_LEAVES);
    case 1:
      return pick(random, JSON_RECORDS);
    case 2:
    case 3:
      return Array.from({ length: random(4) }, () => randomJson(random, depth - 1));
    case 4:
      return humanMark({ content: 'x', additional_kwargs: { extra: randomJson(random, depth - 1) } });
    default:
      return Object.fromEntries(
        Array.from({ length: random(5) }, () => [pick(random, JSON_KEYS), randomJson(random, depth - 1)]),
      );
  }
}
