// One node that returns its input messages: the smallest useful run.
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('echo', (state) => ({ messages: state.messages }))
  .addEdge(START, 'echo')
  .addEdge('echo', END)
  .compile();
