// CommonJS, and a builder that the server compiles.
const path = require('node:path');
const { Annotation, END, START, StateGraph } = require('@langchain/langgraph');

const State = Annotation.Root({ file: Annotation() });

exports.graph = new StateGraph(State)
  .addNode('where', () => ({ file: path.basename(__filename) }))
  .addEdge(START, 'where')
  .addEdge('where', END);
