// A factory in CommonJS: the server calls it for every run, and it builds the graph from the settings of that run.
// Counts up by `configurable.step` on each run of a thread; the state is written with `Annotation`.

const { Annotation, END, START, StateGraph } = require('@langchain/langgraph');

const State = Annotation.Root({
  count: Annotation({ reducer: (total, step) => total + step, default: () => 0 }),
});

/** @param {import('@langchain/langgraph').LangGraphRunnableConfig} config */
exports.graph = (config) => {
  const step = Number(config.configurable?.step ?? 1);
  return new StateGraph(State)
    .addNode('add', () => ({ count: step }))
    .addEdge(START, 'add')
    .addEdge('add', END)
    .compile();
};
