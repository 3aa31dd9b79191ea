// CommonJS without any types: what its channels hold is not known, but for one that says so.
const { Annotation, END, START, StateGraph } = require('@langchain/langgraph');

const State = Annotation.Root({
  thing: Annotation(),
  total: Annotation({ reducer: (a, b) => a + b, default: () => 0 }),
});

module.exports = {
  graph: new StateGraph(State)
    .addNode('add', () => ({ total: 1 }))
    .addEdge(START, 'add')
    .addEdge('add', END)
    .compile(),
};
