// The same graphs in a process of their own, without a server: what the graph engine costs by itself.
//   node bench/floor.mjs SECONDS   prints one JSON document
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { MemorySaver } from '@langchain/langgraph';
import { GraphLoader } from '../dist/src/execution/graphs/graph-loader.js';
import { closedLoop, latency, round } from './measure.mjs';

process.env.LANGCHAIN_CALLBACKS_BACKGROUND = 'false';
const seconds = Number(process.argv[2] ?? 3);
const folder = path.join(import.meta.dirname, 'graphs');
const specs = ['echo', 'tokens', 'steps10'].map((graph_id) => ({
  graph_id,
  file: path.join(folder, `${graph_id}.ts`),
  export_name: 'graph',
}));
const { sources } = await new GraphLoader(specs, folder).load();
const [echo, tokens, steps10] = await Promise.all(specs.map(({ graph_id }) => sources.get(graph_id)({})));
const input = { messages: [{ role: 'user', content: 'hello' }] };

const invokeEcho = () => echo.invoke(input);

async function streamTokens() {
  const begin = performance.now();
  let first;
  let events = 0;
  const stream = await tokens.stream(input, { streamMode: 'messages' });
  const iterator = stream[Symbol.asyncIterator]();
  while (!(await iterator.next()).done) {
    first ??= performance.now() - begin;
    events += 1;
  }
  return { first, events };
}

async function invokeSteps() {
  const graph = steps10.withConfig({});
  graph.checkpointer = new MemorySaver();
  return graph.invoke({}, { configurable: { thread_id: randomUUID() } });
}

const wait_c1 = (await closedLoop({ concurrency: 1, seconds, call: invokeEcho, warmup: 200 })).figures;
const wait_c32 = (await closedLoop({ concurrency: 32, seconds, call: invokeEcho })).figures;
const single = await closedLoop({ concurrency: 1, seconds, call: streamTokens });
const many = await closedLoop({ concurrency: 20, seconds, call: streamTokens });
const steps_c8 = (await closedLoop({ concurrency: 8, seconds, call: invokeSteps })).figures;
process.stdout.write(
  JSON.stringify({
    wait_c1,
    wait_c32,
    first_event_c1: latency(single.results.map(({ first }) => first)),
    tokens_c20: { per_s: round(many.results.reduce((sum, { events }) => sum + events, 0) / many.wall, 0) },
    steps10_c8: steps_c8,
  }),
);
