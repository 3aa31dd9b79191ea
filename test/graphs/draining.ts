// Drains itself behind its first step, in the way that its input names. Notes what the node sees of its control.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, RunControl, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

type How =
  | 'with a reason'
  | 'without a reason'
  /** By a graph that the node calls, whose control is its own. */
  | 'inside'
  /** Before the process stops; the node waits for the gate. */
  | 'first'
  /** After the process has requested the same; the node opens the gate. */
  | 'last';

const State = Annotation.Root({
  how: Annotation<How>(),
  gate: Annotation<string>(),
  log: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  seen: Annotation<unknown[]>(),
});

const inner = new StateGraph(Annotation.Root({ steps: Annotation<number>() }))
  .addNode('one', (_state, { control }: LangGraphRunnableConfig) => {
    control?.requestDrain();
    return { steps: 1 };
  })
  .addNode('two', () => ({ steps: 2 }))
  .addEdge(START, 'one')
  .addEdge('one', 'two')
  .addEdge('two', END)
  .compile();

async function one({ how, gate }: typeof State.State, { control, signal, writer }: LangGraphRunnableConfig) {
  const seen = [control?.constructor === RunControl, control?.drainRequested, control?.drainReason ?? null];
  writer?.({ began: how });
  if (how === 'inside') {
    await inner.invoke({}, { control: new RunControl(), signal });
  }
  while (how === 'last' && !control?.drainRequested) {
    await sleep(5, undefined, { signal });
  }
  control?.requestDrain(how === 'without a reason' ? undefined : 'budget used up');
  if (how === 'last') {
    writeFileSync(gate, '');
  }
  while (how === 'first' && !existsSync(gate)) {
    await sleep(5, undefined, { signal });
  }
  return { log: ['one'], seen };
}

export const graph = new StateGraph(State)
  .addNode('one', one)
  .addNode('two', () => ({ log: ['two'] }))
  .addEdge(START, 'one')
  .addEdge('one', 'two')
  .addEdge('two', END)
  .compile();
