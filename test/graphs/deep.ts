// A graph in a graph in a graph; the innermost node emits progress on the custom stream, as the others do.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const say = (name: string) => (_: typeof State.State, config: LangGraphRunnableConfig) => {
  config.writer?.({ at: name });
  return { path: [name] };
};

const inner = new StateGraph(State)
  .addNode('deepest', say('deepest'))
  .addEdge(START, 'deepest')
  .addEdge('deepest', END)
  .compile();

const outer = new StateGraph(State)
  .addNode('middle', say('middle'))
  .addNode('inner', inner)
  .addEdge(START, 'middle')
  .addEdge('middle', 'inner')
  .addEdge('inner', END)
  .compile();

export const graph = new StateGraph(State)
  .addNode('top', say('top'))
  .addNode('outer', outer)
  .addEdge(START, 'top')
  .addEdge('top', 'outer')
  .addEdge('outer', END)
  .compile();
