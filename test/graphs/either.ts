// A factory that makes one of two graphs, or none, as its settings say. It would believe who they say is calling.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const bird = new StateGraph(Annotation.Root({ wings: Annotation<number>() }))
  .addNode('fly', () => ({ wings: 2 }))
  .addEdge(START, 'fly')
  .addEdge('fly', END);

const fish = new StateGraph(Annotation.Root({ fins: Annotation<string[]>() }))
  .addNode('swim', () => ({ fins: ['left', 'right'] }))
  .addEdge(START, 'swim')
  .addEdge('swim', END);

export const graph = ({ configurable }: LangGraphRunnableConfig) => {
  if (configurable?.animal === 'unicorn') {
    throw new Error('there are no unicorns');
  }
  return configurable?.animal === 'fish' || configurable?.langgraph_auth_user ? fish.compile() : bird.compile();
};
