// Stops at an interrupt, and resumes with the resume value.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({ answer: Annotation<string> });

export const graph = new StateGraph(State)
  .addNode('ask', () => ({ answer: interrupt({ question: 'Go on?' }) as string }))
  .addEdge(START, 'ask')
  .addEdge('ask', END)
  .compile();
