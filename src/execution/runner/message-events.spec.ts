import { describe, expect, it } from '@jest/globals';
import { AIMessage, AIMessageChunk, HumanMessage } from '@langchain/core/messages';
import { AccumulatedMessages, messageTupleJson, type MessageTuple } from './message-events.js';

const collect = () => {
  const seen: [event: string, data: unknown][] = [];
  return { seen, emit: (event: string, json: string) => seen.push([event, JSON.parse(json)]) };
};

const tuple = (message: object, metadata: object = {}): MessageTuple => [message, metadata] as MessageTuple;

describe('the events of mode messages', () => {
  it('announce a message once, show it as it grows, and complete it when it is in the state', () => {
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

  it.each([undefined, null, 'text', { other: 1 }, { messages: 'text' }])('come from no state like %j', (values) => {
    const { seen, emit } = collect();
    new AccumulatedMessages().onValues(values, emit);
    expect(seen).toEqual([]);
  });
});

describe('messageTupleJson', () => {
  it('is the message, flattened, and its metadata', () => {
    const json = messageTupleJson(tuple(new AIMessageChunk({ id: 'm', content: 'x' }), { langgraph_node: 'n' }));
    expect(JSON.parse(json)).toMatchObject([{ id: 'm', content: 'x', type: 'ai' }, { langgraph_node: 'n' }]);
    expect(json).not.toContain('\n');
  });
});
