import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const Grandchild = Annotation.Root({
  toys: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

/** Not compiled: the importing module compiles it. */
export const grandchild = new StateGraph(Grandchild)
  .addNode('play', () => ({ toys: ['ball'] }))
  .addNode('tidy', () => ({}))
  .addEdge(START, 'play')
  .addEdge('play', 'tidy')
  .addEdge('tidy', END);
