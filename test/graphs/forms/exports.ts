// The ways in which a module can export a graph.
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from '@langchain/langgraph';

const builderOf = (found: unknown) =>
  new StateGraph(Annotation.Root({ found: Annotation<unknown>() }))
    .addNode('look', () => ({ found }))
    .addEdge(START, 'look')
    .addEdge('look', END);

const graph = builderOf('renamed').compile();
export { graph as renamed };

export const builder = builderOf('builder');

export const promise = Promise.resolve(builderOf('promise').compile());

export default () => Promise.resolve(builderOf('default').compile());

export const factory = (config: LangGraphRunnableConfig) => builderOf(config.configurable?.flavour).compile();

interface FactoryRuntime {
  accessContext: string;
  executionRuntime: { context: unknown } | null;
}

const asked: FactoryRuntime[] = [];

/** The second argument tells what the graph is for. */
export const factoryOfTwo = (_config: LangGraphRunnableConfig, runtime: FactoryRuntime) => {
  asked.push(runtime);
  return builderOf([...asked]).compile();
};
