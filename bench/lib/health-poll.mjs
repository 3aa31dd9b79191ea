// A thread of its own, because whatever builds and sends large bodies blocks its own loop, too: polls `/ok` and measures how
// long each answer takes.
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Pool } from 'undici';

const PAUSE_MS = 5;

/** Polls from now on. */
export class HealthPoll {
  #worker;

  constructor(url) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { url } });
  }

  /** Forgets what was measured so far, once an answer has come. */
  begin() {
    return this.#ask('begin');
  }

  /** The slowest answer since `begin`, in milliseconds: one that was still on its way counts. */
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
    await sleep(PAUSE_MS);
  }
}

if (!isMainThread) {
  await poll();
}
