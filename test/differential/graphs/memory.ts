// Stores its input in the store, and returns the stored items.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  namespace: Annotation<string>(),
  fact: Annotation<string>(),
  known: Annotation<{ key: string; value: unknown }[]>(),
});

export const graph = () =>
  new StateGraph(State)
    .addNode('remember', async ({ namespace, fact }, { store }: LangGraphRunnableConfig) => {
      await store!.put([namespace], 'fact', { text: fact });
      const found = await store!.search([namespace]);
      return { known: found.map(({ key, value }) => ({ key, value })) };
    })
    .addEdge(START, 'remember')
    .addEdge('remember', END)
    .compile();
