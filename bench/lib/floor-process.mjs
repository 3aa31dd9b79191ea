// The process of `Floor`: loads the graphs as the server does and calls them as LangGraph's documentation describes, with a
// MemorySaver. Ends when its parent disconnects.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, MemorySaver } from '@langchain/langgraph';
import { GraphLoader } from '../../dist/src/execution/graphs/graph-loader.js';
import { closedLoop } from './closed-loop.mjs';
import { machineMs } from './clock.mjs';
import { BLOCK, HELLO, LONG_THREAD_RUNS, MANY_TOKENS, RUNS_PER_THREAD } from './inputs.mjs';

const folder = path.join(import.meta.dirname, '../graphs');
const { graphs } = JSON.parse(readFileSync(path.join(folder, 'langgraph.json'), 'utf8'));
const specs = Object.entries(graphs).map(([graph_id, location]) => {
  const [file, export_name] = location.split(':');
  return { graph_id, file: path.join(folder, file), export_name };
});
const { sources } = await new GraphLoader(specs, folder).load();

const saver = new MemorySaver();
const load = async (graph_id, checkpointer = saver) => {
  const graph = (await sources.get(graph_id)({})).withConfig({});
  graph.checkpointer = checkpointer;
  return graph;
};
const onThread = (thread_id, more) => ({ configurable: { thread_id, ...more } });

/** Runs work on a new thread and deletes it afterwards: memory must not grow with the duration of the measurement. */
async function onNewThread(work) {
  const thread_id = randomUUID();
  const result = await work(thread_id);
  await saver.deleteThread(thread_id);
  return result;
}

async function drain(iterable, onItem = () => undefined) {
  for (const items = iterable[Symbol.asyncIterator](); !(await items.next()).done;) {
    onItem();
  }
}

const invoke = (graph, input) => () =>
  onNewThread(async (thread_id) => {
    await graph.invoke(input, onThread(thread_id));
  });

const streamTokens = (graph, configurable) => () =>
  onNewThread(async (thread_id) => {
    const begin = performance.now();
    const tokens_ms = [];
    const stream = await graph.stream(HELLO, { streamMode: 'messages', ...onThread(thread_id, configurable) });
    await drain(stream, () => tokens_ms.push(performance.now() - begin));
    return { first_ms: tokens_ms[0], tokens_ms };
  });

/** Threads for reads, created on first use. */
let longThread;
let bigThread;
async function makeThread(graph, runs) {
  const thread_id = randomUUID();
  for (let run = 0; run < runs; run += 1) {
    await graph.invoke({}, onThread(thread_id));
  }
  return thread_id;
}

const [echo, bareEcho, tokens, steps10, interrupt, bigstate, clock, block, turns] = await Promise.all([
  load('echo'),
  load('echo', false),
  load('tokens'),
  load('steps10'),
  load('interrupt'),
  load('bigstate'),
  load('clock'),
  load('block'),
  load('turns'),
]);

const operations = {
  echo: invoke(echo, HELLO),
  async echo_without_checkpointer() {
    await bareEcho.invoke(HELLO);
  },
  tokens: streamTokens(tokens),
  many_tokens: streamTokens(tokens, { tokens: MANY_TOKENS }),
  steps10: invoke(steps10, {}),
  bigstate: invoke(bigstate, {}),

  async bigstate_read() {
    await bigstate.getState(onThread(await (bigThread ??= makeThread(bigstate, 1))));
  },
  async state() {
    await steps10.getState(onThread(await (longThread ??= makeThread(steps10, LONG_THREAD_RUNS))));
  },
  async history10() {
    const thread_id = await (longThread ??= makeThread(steps10, LONG_THREAD_RUNS));
    await drain(steps10.getStateHistory(onThread(thread_id), { limit: 10 }));
  },

  interrupt: () =>
    onNewThread(async (thread_id) => {
      const begin = performance.now();
      await interrupt.invoke({}, onThread(thread_id));
      const asked = performance.now();
      await interrupt.invoke(new Command({ resume: 'yes' }), onThread(thread_id));
      return { pause: asked - begin, resume: performance.now() - asked };
    }),

  turns: () =>
    onNewThread(async (thread_id) => {
      for (let turn = 0; turn < RUNS_PER_THREAD; turn += 1) {
        await turns.invoke({ turn }, onThread(thread_id));
      }
    }),

  clock: () =>
    onNewThread(async (thread_id) => {
      const begin = machineMs();
      const { began } = await clock.invoke({}, onThread(thread_id));
      return { to_start: began - begin };
    }),
};

/** Concurrent load that is not measured. */
const besides = {
  async block(isOver) {
    while (!isOver()) {
      await onNewThread((thread_id) => block.invoke({ ms: BLOCK.busy_ms }, onThread(thread_id)));
      await sleep(BLOCK.pause_ms);
    }
  },
};

const answers = {
  hello: () => undefined,
  async measure({ operation, concurrency, seconds, beside }) {
    const before = process.cpuUsage();
    const call = operations[operation];
    const measured = await closedLoop({ concurrency, seconds, call, beside: besides[beside] });
    const { user, system } = process.cpuUsage(before);
    return { ...measured, cpu: { floor: (user + system) / 1000 } };
  },
};

process.on('message', async ({ id, request: name, ...options }) => {
  try {
    process.send({ id, answer: await answers[name](options) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
