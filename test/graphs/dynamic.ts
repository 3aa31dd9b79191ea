// An asynchronous factory: the name of the graph's only node comes from the settings.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

export const graph = async ({ configurable }: LangGraphRunnableConfig) => {
  const node = await Promise.resolve(String(configurable?.node ?? 'unnamed'));
  return new StateGraph(State)
    .addNode(node, () => ({ path: [node] }))
    .addEdge(START, node as '__start__')
    .addEdge(node as '__start__', END)
    .compile();
};
