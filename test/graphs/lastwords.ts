// Says something, computes for a moment, says more, and fails a turn of the event loop later.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Annotation, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({ input: Annotation<string>() });

const COMPUTE_MS = 20;

export const graph = new StateGraph(State)
  .addNode('speak', async (_, { writer }: LangGraphRunnableConfig) => {
    writer?.('first');
    const end = performance.now() + COMPUTE_MS;
    while (performance.now() < end) {
      // Busy.
    }
    writer?.('second');
    writer?.('last');
    await nextTurn();
    throw new Error('enough');
  })
  .addEdge(START, 'speak')
  .compile();
