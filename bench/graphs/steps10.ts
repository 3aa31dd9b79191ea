// A chain of 10 nodes over a state of about 1 KB: measures the cost of a
// super-step (scheduling + checkpoint write), without parallel branches.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const State = Annotation.Root({
  step: Annotation<number>({ reducer: (_, b) => b, default: () => 0 }),
  turns: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
  payload: Annotation<string>({ reducer: (_, b) => b, default: () => '' }),
});

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** About 1 KB, different at each step so that no layer can dedupe it. */
const payloadFor = (step: number, turn: number): string => {
  const unit = ALPHABET.slice(step) + ALPHABET.slice(0, step);
  return `${turn}:${step}:` + unit.repeat(28).slice(0, 1000);
};

const node = (step: number) => (state: typeof State.State) => ({
  step,
  turns: step === 1 ? 1 : 0,
  payload: payloadFor(step, state.turns),
});

export const graph = new StateGraph(State)
  .addNode('n1', node(1))
  .addNode('n2', node(2))
  .addNode('n3', node(3))
  .addNode('n4', node(4))
  .addNode('n5', node(5))
  .addNode('n6', node(6))
  .addNode('n7', node(7))
  .addNode('n8', node(8))
  .addNode('n9', node(9))
  .addNode('n10', node(10))
  .addEdge(START, 'n1')
  .addEdge('n1', 'n2')
  .addEdge('n2', 'n3')
  .addEdge('n3', 'n4')
  .addEdge('n4', 'n5')
  .addEdge('n5', 'n6')
  .addEdge('n6', 'n7')
  .addEdge('n7', 'n8')
  .addEdge('n8', 'n9')
  .addEdge('n9', 'n10')
  .addEdge('n10', END)
  .compile();
