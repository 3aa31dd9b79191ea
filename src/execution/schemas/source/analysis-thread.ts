import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SourceAnalysis } from './analyse.js';
import type { AnalysisAnswer, AnalysisRequest } from './analysis.thread.js';

/** Heap of the thread. A program that needs more fails alone, and not the server with it. */
const MOST_MEGABYTES = 1_024;

/** Milliseconds that one analysis may take: it cannot be interrupted, and others wait for it. */
const TIMEOUT_MS = 120_000;

/** Milliseconds without work after which the thread, and what it has parsed, is given up. */
const REST_MS = 10_000;

/**
 * Analyses sources outside of the event loop, one after the other: each takes seconds of a processor. The thread is kept
 * for a while, because graphs that are asked for after each other share most of what has to be parsed.
 */
export class AnalysisThread {
  private worker?: Worker;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private resting?: NodeJS.Timeout;
  private isStopped = false;

  /** Rejects when the source cannot be analysed, or not within the time-out. */
  analyse(request: AnalysisRequest): Promise<SourceAnalysis> {
    this.waiting += 1;
    clearTimeout(this.resting);
    const analysis = this.last.then(() => this.run(request)).finally(() => this.rest());
    this.last = analysis.catch(() => undefined);
    return analysis;
  }

  /** What is under way, and what comes after it, is rejected. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.resting);
    await this.discard();
  }

  private async run(request: AnalysisRequest): Promise<SourceAnalysis> {
    if (this.isStopped) {
      throw new Error('the server is stopping');
    }
    const worker = (this.worker ??= start());
    const settled = new AbortController();
    try {
      const answer = await this.answerOf(worker, request, settled.signal);
      if ('error' in answer) {
        throw new Error(answer.error);
      }
      return answer.analysis;
    } catch (error) {
      await this.discard();
      throw error;
    } finally {
      settled.abort();
    }
  }

  private answerOf(worker: Worker, request: AnalysisRequest, signal: AbortSignal): Promise<AnalysisAnswer> {
    const fail = (reason: string) => () => Promise.reject(new Error(reason));
    const answered = once(worker, 'message', { signal }) as Promise<[AnalysisAnswer]>;
    worker.postMessage(request);
    return Promise.race([
      answered.then(([answer]) => answer),
      once(worker, 'exit', { signal }).then(fail('its thread has ended')),
      sleep(TIMEOUT_MS, undefined, { signal }).then(fail(`it took longer than ${TIMEOUT_MS} ms`)),
    ]);
  }

  private rest(): void {
    this.waiting -= 1;
    if (this.waiting === 0 && !this.isStopped) {
      this.resting = setTimeout(() => void this.discard(), REST_MS);
    }
  }

  private async discard(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}

function start(): Worker {
  const worker = new Worker(new URL('./analysis.thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
  });
  // It fails what is under way; without anything under way it is nobody's concern.
  worker.on('error', () => undefined);
  return worker;
}
