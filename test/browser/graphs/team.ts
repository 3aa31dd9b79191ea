// A supervisor that lets a subgraph answer.
import { Annotation, END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { graph as chat } from './chat.js';

const State = Annotation.Root({ ...MessagesAnnotation.spec, pace: Annotation<string | undefined>() });

export const graph = new StateGraph(State)
  .addNode('colleague', chat)
  .addEdge(START, 'colleague')
  .addEdge('colleague', END)
  .compile();
