// One of its nodes is a graph on another server, which nobody can reach.
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';

const far = new RemoteGraph({ graphId: 'far', url: 'http://127.0.0.1:9' });

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('far', far)
  .addEdge(START, 'far')
  .addEdge('far', END)
  .compile();
