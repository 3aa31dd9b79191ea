// Polls `/ok` and measures the latency of each response. In a separate thread, because code that builds and sends large
// bodies blocks its own event loop, too.
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Pool } from 'undici';

const POLL_INTERVAL_MS = 5;

/** Starts to poll. */
export class HealthPoll {
  #worker;

  constructor(url) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { url } });
  }

  /** Resets the measurement after the next response. */
  begin() {
    return this.#ask('begin');
  }

  /** The slowest response since `begin`, in milliseconds, including a pending one. */
  end() {
    return this.#ask('end');
  }

  stop() {
    return this.#worker.terminate();
  }

  #ask(what) {
    this.#worker.postMessage(what);
    return once(this.#worker, 'message').then(([answer]) => answer);
  }
}

async function poll() {
  const pool = new Pool(workerData.url, { connections: 1, headersTimeout: 0, bodyTimeout: 0 });
  const asked = [];
  let slowest = 0;
  parentPort.on('message', (what) => asked.push(what));
  for (;;) {
    const begin = performance.now();
    const { body } = await pool.request({ method: 'GET', path: '/ok' });
    await body.dump();
    slowest = Math.max(slowest, performance.now() - begin);
    for (const what of asked.splice(0)) {
      parentPort.postMessage(what === 'end' ? slowest : undefined);
      slowest = what === 'begin' ? 0 : slowest;
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

if (!isMainThread) {
  await poll();
}
