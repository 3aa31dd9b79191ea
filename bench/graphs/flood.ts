// Writes 8 MB of events into its stream, whether a client reads them or not.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from '@langchain/langgraph';

const EVENTS = 2_000;
const TEXT = 'x'.repeat(4 * 1024);

const State = Annotation.Root({ written: Annotation<number> });

export const graph = new StateGraph(State)
  .addNode('write', async (_, { writer }: LangGraphRunnableConfig) => {
    for (let index = 0; index < EVENTS; index += 1) {
      writer?.({ index, text: TEXT });
      if (index % 20 === 0) {
        await nextTurn();
      }
    }
    return { written: EVENTS };
  })
  .addEdge(START, 'write')
  .addEdge('write', END)
  .compile();
