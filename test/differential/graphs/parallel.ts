// Two parallel interrupts.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  answers: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const branch = (name: string) => () => ({ answers: [`${name}: ${JSON.stringify(interrupt(name))}`] });

export const graph = () =>
  new StateGraph(State)
    .addNode('left', branch('left'))
    .addNode('right', branch('right'))
    .addEdge(START, 'left')
    .addEdge(START, 'right')
    .addEdge('left', END)
    .addEdge('right', END)
    .compile();
