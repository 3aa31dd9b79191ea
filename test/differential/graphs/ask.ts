// Stops at an interrupt, and resumes with the resume value.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  topic: Annotation<string>(),
  answer: Annotation<unknown>(),
  said: Annotation<string>(),
});

export const graph = () =>
  new StateGraph(State)
    .addNode('ask', ({ topic }) => ({ answer: interrupt<unknown, unknown>({ question: topic }) }))
    .addNode('finish', ({ topic }) => ({ said: `done with ${topic}` }))
    .addEdge(START, 'ask')
    .addEdge('ask', 'finish')
    .addEdge('finish', END)
    .compile();
