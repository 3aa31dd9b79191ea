// Emits `count` numbered events of `size` characters each, as fast as it can.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({ count: Annotation<number>(), size: Annotation<number>() });

export const graph = new StateGraph(State)
  .addNode('flood', async ({ count, size }, config: LangGraphRunnableConfig) => {
    for (let number = 0; number < count; number += 1) {
      config.writer?.({ number, padding: 'x'.repeat(size) });
      if (number % 100 === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return {};
  })
  .addEdge(START, 'flood')
  .addEdge('flood', END)
  .compile();
