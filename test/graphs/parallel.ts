// Two questions at the same time; a branch that finds something under `answers` does not ask.
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  answers: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const branch = (name: string) => (state: typeof State.State) => ({
  answers: [state.answers.length > 0 ? name : `${name}:${JSON.stringify(interrupt(name))}`],
});

export const graph = new StateGraph(State)
  .addNode('left', branch('left'))
  .addNode('right', branch('right'))
  .addNode('join', () => ({}))
  .addEdge(START, 'left')
  .addEdge(START, 'right')
  .addEdge('left', 'join')
  .addEdge('right', 'join')
  .addEdge('join', END)
  .compile();
