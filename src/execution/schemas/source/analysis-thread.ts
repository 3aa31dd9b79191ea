import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SourceAnalysis } from './analyse.js';
import type { AnalysisRequest, AnalysisResult } from './analysis.thread.js';

/** Heap limit of the thread. An analysis that needs more fails without affecting the server. */
const MAX_HEAP_MB = 1_024;

/** One analysis cannot be interrupted, and others wait for it. */
const TIMEOUT_MS = 120_000;

/** The thread and its parsed files are discarded after this time without requests. */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * Analyses sources in a worker thread, one at a time, because each analysis takes seconds of CPU time. An idle thread is
 * kept for a while: graphs that are requested one after the other share most of the parsed files.
 */
export class AnalysisThread {
  private worker?: Worker;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idleTimer?: NodeJS.Timeout;
  private isStopped = false;

  /** Rejects when the analysis fails or exceeds the timeout. */
  analyse(request: AnalysisRequest): Promise<SourceAnalysis> {
    this.waiting += 1;
    clearTimeout(this.idleTimer);
    const analysis = this.last.then(() => this.run(request)).finally(() => this.release());
    this.last = analysis.catch(() => undefined);
    return analysis;
  }

  /** Rejects the running analysis and all later ones. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.idleTimer);
    await this.discard();
  }

  private async run(request: AnalysisRequest): Promise<SourceAnalysis> {
    if (this.isStopped) {
      throw new Error('the server is stopping');
    }
    const worker = (this.worker ??= start());
    const settled = new AbortController();
    try {
      const result = await this.resultOf(worker, request, settled.signal);
      if ('error' in result) {
        throw new Error(result.error);
      }
      return result.analysis;
    } catch (error) {
      await this.discard();
      throw error;
    } finally {
      settled.abort();
    }
  }

  private resultOf(worker: Worker, request: AnalysisRequest, signal: AbortSignal): Promise<AnalysisResult> {
    const fail = (reason: string) => () => Promise.reject(new Error(reason));
    const received = once(worker, 'message', { signal }) as Promise<[AnalysisResult]>;
    worker.postMessage(request);
    return Promise.race([
      received.then(([result]) => result),
      once(worker, 'exit', { signal }).then(fail('the analysis thread exited')),
      sleep(TIMEOUT_MS, undefined, { signal }).then(fail(`the analysis took longer than ${TIMEOUT_MS} ms`)),
    ]);
  }

  private release(): void {
    this.waiting -= 1;
    if (this.waiting === 0 && !this.isStopped) {
      this.idleTimer = setTimeout(() => void this.discard(), IDLE_TIMEOUT_MS);
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
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  // `once` rejects the running analysis with this error. Without this listener, an idle thread's error would be uncaught.
  worker.on('error', () => undefined);
  return worker;
}
