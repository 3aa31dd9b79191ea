import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const Grandchild = Annotation.Root({
  toys: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

/** Not compiled: whoever uses it compiles it. */
export const grandchild = new StateGraph(Grandchild)
  .addNode('play', () => ({ toys: ['ball'] }))
  .addNode('tidy', () => ({}))
  .addEdge(START, 'play')
  .addEdge('play', 'tidy')
  .addEdge('tidy', END);
