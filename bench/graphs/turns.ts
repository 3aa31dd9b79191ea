// Records the number of the run on its thread and its time: shows the order of runs, and whether two ran concurrently.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

interface Turn {
  turn: number;
  /** Milliseconds of the machine's clock. */
  began: number;
  ended: number;
}

const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const State = Annotation.Root({
  turn: Annotation<number>,
  turns: Annotation<Turn[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});

export const graph = new StateGraph(State)
  .addNode('note', async ({ turn }) => {
    const began = machineMs();
    // A concurrent run of the thread, which must not exist, could start here.
    await nextTurn();
    return { turns: [{ turn, began, ended: machineMs() }] };
  })
  .addEdge(START, 'note')
  .addEdge('note', END)
  .compile();
