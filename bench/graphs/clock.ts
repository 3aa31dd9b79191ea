// Returns the start time of its node: `began` by the monotonic clock that all processes of the machine share, in
// milliseconds, `began_at` by the time of day.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({ began: Annotation<number>, began_at: Annotation<number> });

export const graph = new StateGraph(State)
  .addNode('look', () => ({ began: Number(process.hrtime.bigint()) / 1e6, began_at: Date.now() }))
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();
