// Two questions with a pause between them that lasts until a file appears.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, interrupt, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  gate: Annotation<string>(),
  answers: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const ask = (question: string) => () => ({ answers: [`${question} ${String(interrupt(question))}`] });

export const graph = new StateGraph(State)
  .addNode('name', ask('name'))
  .addNode('pause', async ({ gate }, config: LangGraphRunnableConfig) => {
    appendFileSync(`${gate}.log`, 'paused\n');
    while (!existsSync(gate)) {
      await sleep(5, undefined, { signal: config.signal });
    }
    return {};
  })
  .addNode('age', ask('age'))
  .addEdge(START, 'name')
  .addEdge('name', 'pause')
  .addEdge('pause', 'age')
  .addEdge('age', END)
  .compile();
