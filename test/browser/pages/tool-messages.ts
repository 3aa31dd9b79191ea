import type { Message } from '@langchain/langgraph-sdk';

/** Begins the ids of messages that are there for the model only. */
const HIDDEN = 'do-not-render-';

export const isShown = ({ id }: Message): boolean => !id?.startsWith(HIDDEN);

/** An answer for each tool call that nothing answers: models refuse a conversation with open ones. */
export function toolMessagesFor(messages: Message[]): Message[] {
  const answered = new Set(messages.map((message) => message.type === 'tool' && message.tool_call_id));
  const calls = messages.flatMap((message) => (message.type === 'ai' ? (message.tool_calls ?? []) : []));
  return calls
    .filter(({ id }) => !answered.has(id!))
    .map(({ id, name }) => ({
      id: HIDDEN + crypto.randomUUID(),
      type: 'tool',
      tool_call_id: id!,
      name,
      content: 'Successfully handled tool call.',
    }));
}
