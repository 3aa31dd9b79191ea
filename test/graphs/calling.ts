// Calls the server it runs in, through clients that are made without an address.
import { Client } from '@langchain/langgraph-sdk';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';
import { Client as LatestTagClient } from 'langgraph-sdk-latest-tag';

// Made when the module is loaded, as people do.
const clients: Record<string, Client> = {
  '1.15.0': new Client({ apiKey: null }),
  '2.0.0': new LatestTagClient({ apiKey: null }) as unknown as Client,
};

const State = Annotation.Root({
  sdk: Annotation<string>(),
  thread_id: Annotation<string | undefined>(),
  graph: Annotation<string>(),
  input: Annotation<Record<string, unknown>>(),
  /** Leave after this event. */
  leaveAfter: Annotation<string | undefined>(),
  answer: Annotation<unknown>(),
});

const statusOf = ({ status }: { status: number }): number => status;

export const graph = new StateGraph(State)
  .addNode('stream', async ({ sdk, thread_id, graph, input, leaveAfter }, { writer }: LangGraphRunnableConfig) => {
    const leaving = new AbortController();
    const parts = clients[sdk].runs.stream(thread_id as string, graph, {
      input,
      streamMode: ['custom', 'values'],
      onDisconnect: 'cancel',
      signal: leaving.signal,
    });
    let answer: unknown;
    for await (const { event, data } of parts) {
      writer?.({ called: event, data });
      answer = event === 'values' ? data : answer;
      if (event === leaveAfter) {
        leaving.abort();
      }
    }
    return { answer };
  })
  .addNode('wait', async ({ sdk, graph, input }) => ({ answer: await clients[sdk].runs.wait(null, graph, { input }) }))
  .addNode('threads', async ({ sdk }) => {
    const { threads } = clients[sdk];
    const { thread_id } = await threads.create({ metadata: { by: 'a graph' } });
    const found = await threads.search({ metadata: { by: 'a graph' } });
    await threads.delete(thread_id);
    return { answer: { found: found.length, gone: await threads.get(thread_id).catch(statusOf) } };
  })
  .addConditionalEdges(START, ({ graph, thread_id }) => (thread_id ? 'stream' : graph ? 'wait' : 'threads'))
  .addEdge('stream', END)
  .addEdge('wait', END)
  .addEdge('threads', END)
  .compile();
