import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import * as messages from '@langchain/core/messages';
import { AccumulatedMessages, messageTupleJson, type MessageTuple } from './message-events.js';

const { AIMessage, AIMessageChunk, HumanMessage } = messages;

/** The same classes from another copy: a project may have its own copy of LangChain, and its packages another one. */
const otherCopy = createRequire(import.meta.url)('@langchain/core/messages') as typeof messages;

const collect = () => {
  const seen: [event: string, data: unknown][] = [];
  return { seen, emit: (event: string, json: string) => seen.push([event, JSON.parse(json)]) };
};

const tuple = (message: object, metadata: object = {}): MessageTuple => [message, metadata] as MessageTuple;

describe('the events of mode messages', () => {
  it('announce a message once, accumulate its chunks, and complete it when it is in the state', () => {
    const messages = new AccumulatedMessages();
    const { seen, emit } = collect();
    messages.onMessage(tuple(new AIMessageChunk({ id: 'm', content: 'Hel' }), { node: 'n' }), emit);
    messages.onMessage(tuple(new AIMessageChunk({ id: 'm', content: 'lo' }), { node: 'n' }), emit);
    messages.onValues({ messages: [new AIMessage({ id: 'm', content: 'Hello' })] }, emit);
    messages.onValues({ messages: [new AIMessage({ id: 'm', content: 'Hello' })] }, emit);
    expect(seen).toMatchObject([
      ['messages/metadata', { m: { metadata: { node: 'n' } } }],
      ['messages/partial', [{ id: 'm', content: 'Hel', type: 'ai' }]],
      ['messages/partial', [{ id: 'm', content: 'Hello', type: 'ai' }]],
      ['messages/complete', [{ id: 'm', content: 'Hello', type: 'ai' }]],
    ]);
    expect(seen).toHaveLength(4);
  });

  it('complete messages of the input and messages that were never streamed', () => {
    const messages = new AccumulatedMessages();
    const { seen, emit } = collect();
    messages.onValues({ messages: [new HumanMessage({ id: 'h', content: 'Hi' })] }, emit);
    messages.onMessage(tuple(new AIMessage({ id: 'a', content: 'Yo' })), emit);
    expect(seen.map(([event]) => event)).toEqual(['messages/complete', 'messages/metadata', 'messages/complete']);
  });

  it.each([undefined, null, 'text', { other: 1 }, { messages: 'text' }])(
    'do not arise from a state like %j',
    (values) => {
      const { seen, emit } = collect();
      new AccumulatedMessages().onValues(values, emit);
      expect(seen).toEqual([]);
    },
  );
});

describe.each([
  ['our copy of LangChain', messages],
  ['another copy', otherCopy],
])('messages of %s', (_, { AIMessage, AIMessageChunk, HumanMessageChunk, RemoveMessage, SystemMessage }) => {
  class OwnChunk extends AIMessageChunk {
    static override lc_name(): string {
      return 'OwnChunk';
    }
  }

  const namesOf = (message: object): string[] => {
    const { seen, emit } = collect();
    new AccumulatedMessages().onMessage(tuple(message), emit);
    return seen.map(([event]) => event);
  };

  it.each([
    ['a chunk', new AIMessageChunk({ id: 'm', content: 'x' })],
    ['a human chunk', new HumanMessageChunk({ id: 'm', content: 'x' })],
    ['a chunk of a class of the project', new OwnChunk({ id: 'm', content: 'x' })],
  ])('%s is accumulated', (_, chunk) => {
    expect(namesOf(chunk)).toEqual(['messages/metadata', 'messages/partial']);
  });

  it.each([
    ['a message', new AIMessage({ id: 'm', content: 'x' })],
    ['a system message, which has a method concat', new SystemMessage({ id: 'm', content: 'x' })],
  ])('%s is complete', (_, message) => {
    expect(namesOf(message)).toEqual(['messages/metadata', 'messages/complete']);
  });

  it('a RemoveMessage emits no event, neither from a node nor in a state', () => {
    const removal = new RemoveMessage({ id: '__remove_all__' });
    expect(namesOf(removal)).toEqual([]);
    const { seen, emit } = collect();
    new AccumulatedMessages().onValues({ messages: [removal, new AIMessage({ id: 'm', content: 'x' })] }, emit);
    expect(seen).toEqual([['messages/complete', [expect.objectContaining({ id: 'm' })]]]);
  });
});

it('the two copies of LangChain do not recognize each other’s chunks', () => {
  expect(messages.isBaseMessageChunk(new otherCopy.AIMessageChunk({ content: 'x' }))).toBe(false);
});

describe('messageTupleJson', () => {
  it('contains the flattened message and its metadata', () => {
    const json = messageTupleJson(tuple(new AIMessageChunk({ id: 'm', content: 'x' }), { langgraph_node: 'n' }));
    expect(JSON.parse(json)).toMatchObject([{ id: 'm', content: 'x', type: 'ai' }, { langgraph_node: 'n' }]);
    expect(json).not.toContain('\n');
  });
});
