// Creates a file when it has started, and continues when another file exists.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  gate: Annotation<string>(),
  label: Annotation<string>(),
  order: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

export const graph = () =>
  new StateGraph(State)
    .addNode('start', ({ label }) => ({ order: [`${label}: start`] }))
    .addNode('wait', async ({ gate, label }, config: LangGraphRunnableConfig) => {
      if (gate) {
        writeFileSync(`${gate}-reached`, '');
      }
      while (gate && !existsSync(gate)) {
        await sleep(5, undefined, { signal: config.signal });
      }
      return { order: [`${label}: end`] };
    })
    .addEdge(START, 'start')
    .addEdge('start', 'wait')
    .addEdge('wait', END)
    .compile();
