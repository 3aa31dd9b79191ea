// Keeps a value of the kind that its input names, or asks with it.
import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { Annotation, END, interrupt, messagesStateReducer, START, StateGraph } from '@langchain/langgraph';
import type { BaseMessage } from '@langchain/core/messages';

const State = Annotation.Root({
  kind: Annotation<string>(),
  ask: Annotation<boolean>(),
  given: Annotation<unknown>(),
  kept: Annotation<unknown>(),
  seen: Annotation<string>(),
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
});

const circle = (): unknown => {
  const list: unknown[] = [];
  list.push({ back: list });
  return { list };
};

class Angry extends Error {
  override name = 'AngryError';
}

const MAKERS: Record<string, () => unknown> = {
  nothing: () => undefined,
  bigint: () => ({ id: 9007199254740993n }),
  circle,
  toJSON: () => ({ inside: { toJSON: () => { throw new Angry('not me'); } } }), // prettier-ignore
  getter: () => ({ rows: [Object.defineProperty({}, 'cell', { enumerable: true, get: () => { throw new Angry('nor me'); } })] }), // prettier-ignore
  dates: () => ({ at: new Date(0), map: new Map([['a', new Set([1n])]]), error: new Angry('kept'), bytes: new Uint8Array([1]) }), // prettier-ignore
  // Answers show nothing of what is in a map.
  hidden: () => ({ map: new Map([['a', circle()]]) }),
};

export const graph = new StateGraph(State)
  .addNode('make', ({ kind, ask }) => {
    const value = MAKERS[kind]?.();
    if (kind === 'thrown') {
      throw circle();
    }
    if (ask) {
      return { kept: interrupt<unknown, unknown>(value) };
    }
    const artifact = { id: 9007199254740993n, at: new Date(0), tags: new Set(['a']) };
    const message = new ToolMessage({ content: '1 row', tool_call_id: 't', id: 'row', artifact });
    return kind === 'artifact' ? { messages: [message] } : kind === 'same' ? {} : { kept: value };
  })
  .addNode('look', ({ kept, messages }) => {
    const artifact = (messages.at(-1) as ToolMessage | undefined)?.artifact as unknown;
    const { id = kept } = (artifact ?? kept ?? {}) as { id?: unknown };
    return {
      seen: typeof id,
      ...(messages.length > 0 && { messages: [new AIMessage({ content: 'next', id: 'next' })] }),
    };
  })
  .addEdge(START, 'make')
  .addEdge('make', 'look')
  .addEdge('look', END)
  .compile();
