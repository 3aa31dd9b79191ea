// Asks two questions; the second one only when a file has appeared. Writes a line for each execution of a node.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, interrupt, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  gate: Annotation<string>(),
  answers: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const ask = (question: string) => ({ answers: [`${question} ${String(interrupt(question))}`] });

export const graph = new StateGraph(State)
  .addNode('name', ({ gate }) => {
    appendFileSync(`${gate}.log`, 'name\n');
    return ask('name');
  })
  .addNode('age', async ({ gate }, config: LangGraphRunnableConfig) => {
    appendFileSync(`${gate}.log`, 'age\n');
    while (!existsSync(gate)) {
      await sleep(5, undefined, { signal: config.signal });
    }
    return ask('age');
  })
  .addEdge(START, 'name')
  .addEdge('name', 'age')
  .addEdge('age', END)
  .compile();
