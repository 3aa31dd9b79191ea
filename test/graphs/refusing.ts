// Asks; the node behind the interrupt fails as a strict resume does that matches no interrupt.
import { Annotation, END, interrupt, START, StateGraph, UnknownInterruptError } from '@langchain/langgraph';

const State = Annotation.Root({ answer: Annotation<string>() });

export const graph = new StateGraph(State)
  .addNode('ask', () => ({ answer: interrupt<string, string>('why?') }))
  .addNode('fail', () => {
    throw new UnknownInterruptError('Of another graph.', { reason: 'not_pending' });
  })
  .addEdge(START, 'ask')
  .addEdge('ask', 'fail')
  .addEdge('fail', END)
  .compile();
