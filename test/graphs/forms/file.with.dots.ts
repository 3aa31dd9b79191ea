import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

export const graph = new StateGraph(Annotation.Root({ found: Annotation<unknown>() }))
  .addNode('look', () => ({ found: 'dots' }))
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();
