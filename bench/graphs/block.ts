// Blocks the event loop for a number of milliseconds.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({ ms: Annotation<number>, rounds: Annotation<number> });

export const graph = new StateGraph(State)
  .addNode('compute', ({ ms }) => {
    let rounds = 0;
    for (const end = performance.now() + ms; performance.now() < end; rounds += 1);
    return { rounds };
  })
  .addEdge(START, 'compute')
  .addEdge('compute', END)
  .compile();
