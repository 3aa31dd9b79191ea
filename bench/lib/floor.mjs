import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ask } from './ask.mjs';

/** The same graphs in a separate process without a server: the cost of LangGraph itself. */
export class Floor {
  #child;
  #measured = new Set();

  /** Returns the milliseconds until the graphs were loaded. */
  async start() {
    const begin = performance.now();
    this.#child = fork(path.join(import.meta.dirname, 'floor-process.mjs'), {
      env: { ...process.env, LANGCHAIN_CALLBACKS_BACKGROUND: 'false' },
      serialization: 'advanced',
    });
    await ask(this.#child, 'hello');
    return performance.now() - begin;
  }

  /** One round of an operation of floor-process.mjs, in the form of `figures.mjs`. */
  measure(operation, { concurrency, seconds, beside }) {
    this.#measured.add(operation);
    return ask(this.#child, 'measure', { operation, concurrency, seconds, beside });
  }

  /** Whether an operation was warmed up. */
  isWarm(operation) {
    return this.#measured.has(operation);
  }

  async stop() {
    if (this.#child?.connected) {
      this.#child.disconnect();
      await once(this.#child, 'exit');
    }
  }
}
