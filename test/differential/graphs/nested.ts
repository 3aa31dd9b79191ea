// A parent with a node that is a subgraph with an interrupt.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  mood: Annotation<'calm' | 'loud'>(),
});

const child = new StateGraph(State)
  .addNode('inner', () => ({ path: ['inner'] }))
  .addNode('question', () => ({ path: [`answer: ${String(interrupt('inner?'))}`] }))
  .addEdge(START, 'inner')
  .addEdge('inner', 'question')
  .addEdge('question', END)
  .compile();

export const graph = () =>
  new StateGraph(State)
    .addNode('before', () => ({ path: ['before'] }))
    .addNode('child', child)
    .addEdge(START, 'before')
    .addEdge('before', 'child')
    .addEdge('child', END)
    .compile();
