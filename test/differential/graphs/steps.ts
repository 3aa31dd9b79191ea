// Three steps that record themselves in the state and on the custom stream.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  topic: Annotation<string>(),
});

const step = (name: string) => (_: typeof State.State, config: LangGraphRunnableConfig) => {
  config.writer?.({ at: name });
  return { path: [name] };
};

export const graph = () =>
  new StateGraph(State)
    .addNode('one', step('one'))
    .addNode('two', step('two'))
    .addNode('three', step('three'))
    .addEdge(START, 'one')
    .addEdge('one', 'two')
    .addEdge('two', 'three')
    .addEdge('three', END)
    .compile();
