// Waits until it is told to stop. Its node writes down that it waits, and when it was told, by a clock that all processes
// of a machine share, in milliseconds.
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
