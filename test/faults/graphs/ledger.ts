// Works in steps and writes a line for each action, so that tests can compare the actual executions with the responses to
// clients. Its state contains the execution of each committed step.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  /** The output file. */
  ledger: Annotation<string>(),
  /** Number of steps, events per step, milliseconds per step. */
  steps: Annotation<number>(),
  says: Annotation<number>(),
  ms: Annotation<number>(),
  /** This step waits for this file after its first event. */
  gate: Annotation<{ path: string; step: number } | null>(),
  /** Kills its process instead of finishing. */
  deadly: Annotation<boolean>(),
  /** Number of finished steps. */
  step: Annotation<number>(),
  /** `run_id step attempt pid` for each step of all runs. */
  done: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

async function work(state: typeof State.State, { metadata, signal, writer }: LangGraphRunnableConfig) {
  const step = state.step + 1;
  const execution = { run_id: String(metadata?.run_id), attempt: Number(metadata?.run_attempt), pid: process.pid };
  const note = (what: string, n: number): void => {
    const line = { ...execution, thread_id: String(metadata?.thread_id), step, what, n, at: Date.now() };
    appendFileSync(state.ledger, `${JSON.stringify(line)}\n`);
  };
  note('began', 0);
  for (let n = 1; n <= state.says; n += 1) {
    await sleep(state.ms / state.says, undefined, { signal });
    note('said', n);
    writer?.({ ...execution, step, n });
    while (n === 1 && step === state.gate?.step && !existsSync(state.gate.path)) {
      await sleep(10, undefined, { signal });
    }
  }
  if (state.deadly) {
    process.kill(process.pid, 'SIGKILL');
  }
  note('finished', 0);
  return { step, done: [`${execution.run_id} ${step} ${execution.attempt} ${execution.pid}`] };
}

export const graph = new StateGraph(State)
  .addNode('work', work)
  .addEdge(START, 'work')
  .addConditionalEdges('work', ({ step, steps }) => (step < steps ? 'work' : END))
  .compile();
