// A graph in a graph in a graph in a graph; the innermost one asks.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

/** A graph whose node `name` is the graph inside. */
const around = (name: string, inside: ReturnType<typeof innermost>) =>
  new StateGraph(State)
    .addNode('open', () => ({ path: [`open ${name}`] }))
    .addNode(name, inside)
    .addEdge(START, 'open')
    .addEdge('open', name)
    .addEdge(name, END)
    .compile() as never;

const innermost = () =>
  new StateGraph(State)
    .addNode('ask', () => ({ path: [`answer:${String(interrupt('who?'))}`] }))
    .addEdge(START, 'ask')
    .addEdge('ask', END)
    .compile();

export const graph = around('large', around('middle', around('small', innermost())));
