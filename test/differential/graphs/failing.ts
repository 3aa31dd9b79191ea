// Its second node throws an error of its own class.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

class CoffeeError extends Error {
  override name = 'CoffeeError';
}

const State = Annotation.Root({ started: Annotation<boolean>() });

export const graph = () =>
  new StateGraph(State)
    .addNode('first', () => ({ started: true }))
    .addNode('second', () => {
      throw new CoffeeError('out of beans');
    })
    .addEdge(START, 'first')
    .addEdge('first', 'second')
    .addEdge('second', END)
    .compile();
