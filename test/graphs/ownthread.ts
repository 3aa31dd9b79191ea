// Calls another graph of its own server, as a node, and therefore on its own thread.
import { MessagesAnnotation, END, START, StateGraph } from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('remote', new RemoteGraph({ graphId: 'echo' }))
  .addEdge(START, 'remote')
  .addEdge('remote', END)
  .compile();
