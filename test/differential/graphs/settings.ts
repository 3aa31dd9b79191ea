// Records the settings that its factory and its node receive.
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  factory: Annotation<Record<string, unknown>>(),
  configurable: Annotation<Record<string, unknown>>(),
  context: Annotation<Record<string, unknown>>(),
  metadata: Annotation<Record<string, unknown>>(),
  tags: Annotation<string[]>(),
  recursion_limit: Annotation<number>(),
});

const plain = (value: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !key.startsWith('__')));

export const graph = (given: LangGraphRunnableConfig) =>
  new StateGraph(State)
    .addNode('read', (_, config: LangGraphRunnableConfig) => ({
      factory: plain(given.configurable),
      configurable: plain(config.configurable),
      context: plain(config.context),
      metadata: plain(config.metadata),
      tags: config.tags ?? [],
      recursion_limit: config.recursionLimit,
    }))
    .addEdge(START, 'read')
    .addEdge('read', END)
    .compile();
