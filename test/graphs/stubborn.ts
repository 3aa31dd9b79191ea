// Like `waiting`, but its node ignores the signal: it continues until the gate opens, even after its run has ended.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({
  gate: Annotation<string>(),
  order: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  label: Annotation<string>(),
});

export const graph = new StateGraph(State)
  .addNode('start', (state) => ({ order: [`${state.label}:start`] }))
  .addNode('wait', async (state, config: LangGraphRunnableConfig) => {
    config.writer?.({ waiting: state.label });
    while (state.gate && !existsSync(state.gate)) {
      await sleep(5);
    }
    if (state.gate) {
      writeFileSync(`${state.gate}.passed`, '');
    }
    return { order: [`${state.label}:end`] };
  })
  .addEdge(START, 'start')
  .addEdge('start', 'wait')
  .addEdge('wait', END)
  .compile();
