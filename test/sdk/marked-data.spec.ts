import { beforeAll, describe, expect, it } from '@jest/globals';
import { HumanMessage } from '@langchain/core/messages';
import { type Client, connect, newThread, SDKS, serverForFile } from '../support/sdk.js';

const human = (kwargs: object) => ({
  lc: 1,
  type: 'constructor',
  id: ['langchain_core', 'messages', 'HumanMessage'],
  kwargs,
});

/** User data, traces and tool results that look like serializer output. */
const DATA: [name: string, given: unknown][] = [
  ['a message', human({ content: 'hi' })],
  ['a message with a secret', human({ content: 'hi', additional_kwargs: { key: { lc: 1, type: 'secret', id: ['HOME'] } } })],
  ['a message with parts of the wrong kind', [human([7]), human({ tool_calls: 'none' })]],
  ['a model', { ...human({ model: 'm' }), id: ['langchain', 'chat_models', 'openai', 'ChatOpenAI'] }],
  ['a class that does not exist', { ...human({}), id: ['langchain_core', 'messages', 'Parrot'] }],
  ['a function', { ...human({ name: 'HOME' }), id: ['langchain_core', 'utils', 'env', 'getEnvironmentVariable'] }],
  ['code', { toJSON: { lc: 2, type: 'constructor', id: ['Set'], method: 'constructor', args: ['return process.env'] } }],
  ['a set', { lc: 2, type: 'constructor', id: ['Set'], args: [[1, 1]] }],
  ['nothing', [{ lc: 2, type: 'undefined' }, { '~lc': 2, type: 'undefined' }, { __lc_escaped__: { lc: 1 } }]],
]; // prettier-ignore

const server = serverForFile();

describe.each(SDKS)('data that looks serialized, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** The value as every route returns it: the result, the thread, its state, its history. */
  const shown = async (thread_id: string, answer: unknown): Promise<unknown[]> => {
    const [thread, state, history] = await Promise.all([
      client.threads.get(thread_id),
      client.threads.getState(thread_id),
      client.threads.getHistory(thread_id),
    ]);
    return [answer, thread.values, state.values, history[0].values].map(
      (values) => (values as { given: unknown }).given,
    );
  };

  it.each(DATA)('stays data: %s', async (_name, given) => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { given } });
    expect(await shown(thread_id, answer)).toEqual([given, given, given, given]);

    const next = await client.runs.wait(thread_id, 'values', { input: { kind: 'none' } });
    expect(await shown(thread_id, next)).toEqual([given, given, given, given]);

    await client.threads.updateState(thread_id, { values: { given: { again: given } } });
    expect(((await client.threads.getState(thread_id)).values as { given: unknown }).given).toEqual({ again: given });
  });

  it.each(DATA)('stays data in messages, metadata and resume values: %s', async (_name, given) => {
    const thread_id = await newThread(client);
    const messages = [{ type: 'human', content: 'hi', additional_kwargs: { given } }];
    const metadata = { given };
    const asked = { input: { messages, ask: true }, metadata };
    expect(await client.runs.wait(thread_id, 'values', asked)).toMatchObject({ messages, __interrupt__: [{}] });
    const state = await client.threads.getState(thread_id);
    expect([state.values, state.metadata]).toMatchObject([{ messages }, metadata]);
    const answer = await client.runs.wait(thread_id, 'values', { command: { resume: { given } } });
    expect(answer).toMatchObject({ messages: [messages[0], { content: 'next' }], kept: { given } });
    expect((await client.threads.getState(thread_id)).values).toMatchObject({ kept: { given } });
  });

  it('becomes a message where the graph converts it to one', async () => {
    const thread_id = await newThread(client);
    const message = JSON.parse(JSON.stringify(new HumanMessage({ content: 'hi', id: '1' }))) as object;
    const answer = await client.runs.wait(thread_id, 'values', { input: { messages: [message] } });
    const expected = {
      messages: [
        { type: 'human', content: 'hi', id: '1' },
        { type: 'ai', content: 'next' },
      ],
    };
    expect(answer).toMatchObject(expected);
    expect((await client.threads.getState(thread_id)).values).toMatchObject(expected);
  });
});

describe.each(SDKS)('values that JSON cannot represent, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  it.each([
    ['bigint', 'bigint', { id: '9007199254740993' }],
    ['dates', 'object', { at: '1970-01-01T00:00:00.000Z', map: {}, error: { error: 'AngryError', message: 'kept' }, bytes: { type: 'Buffer', data: [1] } }],
  ])('are returned and stored consistently: %s', async (kind, seen, kept) => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { kind } });
    expect(answer).toMatchObject({ kept, seen });
    expect((await client.threads.get(thread_id)).values).toEqual(answer);
    expect((await client.threads.getState(thread_id)).values).toEqual(answer);
    // A node of the next run finds the value of the last one.
    expect(await client.runs.wait(thread_id, 'values', { input: { kind: 'same' } })).toMatchObject({ kept, seen });
  }); // prettier-ignore

  it('are stored inside a message', async () => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { kind: 'artifact' } });
    const artifact = { id: '9007199254740993', at: '1970-01-01T00:00:00.000Z', tags: {} };
    expect(answer).toMatchObject({ seen: 'bigint', messages: [{ artifact }, { content: 'next' }] });
    expect((await client.threads.get(thread_id)).values).toEqual(answer);
    expect((await client.threads.getState(thread_id)).values).toEqual(answer);
  });

  it('can be the value of an interrupt: a big integer', async () => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { kind: 'bigint', ask: true } });
    const { __interrupt__: interrupts } = answer as { __interrupt__: object[] };
    expect(interrupts).toMatchObject([{ value: { id: '9007199254740993' } }]);
    expect(Object.values((await client.threads.get(thread_id)).interrupts)).toEqual([interrupts]);
    expect((await client.threads.getState(thread_id)).tasks[0].interrupts).toEqual(interrupts);
    expect(await client.runs.wait(thread_id, 'values', { command: { resume: 'so' } })).toMatchObject({ kept: 'so' });
  });
});
