// Counts up to a number.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({ count: Annotation<number>(), limit: Annotation<number>() });

export const graph = () =>
  new StateGraph(State)
    .addNode('add', ({ count }) => ({ count: (count ?? 0) + 1 }))
    .addEdge(START, 'add')
    .addConditionalEdges('add', ({ count, limit }) => (count < limit ? 'add' : END), ['add', END])
    .compile();
