// Computes without a pause, so that nothing else in the process has its turn; writes a line for each execution.
import { appendFileSync } from 'node:fs';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  ms: Annotation<number>(),
  log: Annotation<string>(),
  done: Annotation<boolean>(),
});

export const graph = new StateGraph(State)
  .addNode('compute', ({ ms, log }) => {
    appendFileSync(log, 'executed\n');
    const end = performance.now() + ms;
    while (performance.now() < end) {
      // Busy.
    }
    return { done: true };
  })
  .addEdge(START, 'compute')
  .addEdge('compute', END)
  .compile();
