// Interrupts twice, with a step in between. The second interrupt waits for a file; each execution writes a line to a file
// beside it.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, interrupt, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  gate: Annotation<string>(),
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const ask = (question: string) => ({ path: [`${question}: ${String(interrupt(question))}`] });

export const graph = new StateGraph(State)
  .addNode('first', () => ask('first'))
  .addNode('between', ({ gate }) => {
    appendFileSync(`${gate}.between`, 'executed\n');
    return { path: ['between'] };
  })
  .addNode('second', async ({ gate }, { signal }: LangGraphRunnableConfig) => {
    appendFileSync(`${gate}.waiting`, 'waiting\n');
    while (!existsSync(gate)) {
      await sleep(5, undefined, { signal });
    }
    return ask('second');
  })
  .addEdge(START, 'first')
  .addEdge('first', 'between')
  .addEdge('between', 'second')
  .addEdge('second', END)
  .compile();
