// Waits until its signal is aborted. Its node records that it waits, and the time of the abort by the monotonic clock that
// all processes of the machine share, in milliseconds.
import { writeFileSync } from 'node:fs';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({ file: Annotation<string> });

export const graph = new StateGraph(State)
  .addNode(
    'wait',
    ({ file }, { signal }: LangGraphRunnableConfig) =>
      new Promise<object>((resolve) => {
        signal!.addEventListener('abort', () => {
          writeFileSync(`${file}.told`, String(Number(process.hrtime.bigint()) / 1e6));
          resolve({});
        });
        writeFileSync(`${file}.waits`, '');
      }),
  )
  .addEdge(START, 'wait')
  .addEdge('wait', END)
  .compile();
