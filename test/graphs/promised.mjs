// A default export that is a promise; knows where its own file is.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({ url: Annotation() });

export default Promise.resolve(
  new StateGraph(State)
    .addNode('where', () => ({ url: import.meta.url }))
    .addEdge(START, 'where')
    .addEdge('where', END)
    .compile(),
);
