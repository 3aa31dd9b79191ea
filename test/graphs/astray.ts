// One of its nodes is a graph on another server, which refuses or is unavailable.
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';

const far = new RemoteGraph({ graphId: 'far', url: process.env.FAR_URL ?? 'http://127.0.0.1:9' });

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('far', far)
  .addEdge(START, 'far')
  .addEdge('far', END)
  .compile();
