// Stops at an interrupt and continues with the resume value.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  question: Annotation<string>(),
  answer: Annotation<string>(),
});

export const graph = new StateGraph(State)
  .addNode('ask', (state) => ({ answer: interrupt<unknown, string>({ question: state.question }) }))
  .addNode('finish', () => ({}))
  .addEdge(START, 'ask')
  .addEdge('ask', 'finish')
  .addEdge('finish', END)
  .compile();
