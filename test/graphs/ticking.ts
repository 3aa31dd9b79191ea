// Emits a number every few milliseconds until a file appears.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({ gate: Annotation<string>(), ticks: Annotation<number>() });

export const graph = new StateGraph(State)
  .addNode('tick', async ({ gate }, config: LangGraphRunnableConfig) => {
    let ticks = 0;
    while (!existsSync(gate)) {
      config.writer?.({ tick: ticks });
      ticks += 1;
      await sleep(5, undefined, { signal: config.signal });
    }
    return { ticks };
  })
  .addEdge(START, 'tick')
  .addEdge('tick', END)
  .compile();
