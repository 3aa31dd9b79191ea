import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Ranking, RankRequest, VectorPage } from './exact-search.js';
import type { SearchThreadReply, SearchThreadData } from './exact-search.thread.js';

interface PendingRequest {
  resolve: (reply: SearchThreadReply) => void;
  reject: (error: unknown) => void;
}

/**
 * Compares vectors in a worker thread, because comparing all of them would block the event loop for tens of
 * milliseconds.
 */
export class SearchThread {
  private readonly worker: Worker;
  private readonly pending = new Map<number, PendingRequest>();
  private count = 0;
  private failure?: Error;

  constructor(dims: number) {
    const workerData: SearchThreadData = { dims };
    this.worker = new Worker(new URL('./exact-search.thread.js', import.meta.url), { workerData });
    this.worker.on('message', (reply: SearchThreadReply) => {
      this.pending.get(reply.id)?.resolve(reply);
      this.pending.delete(reply.id);
    });
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the thread that compares vectors exited')));
  }

  /** Whether the thread has exited and its vectors are lost. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** Adds vectors and returns their new number. */
  async add(add: VectorPage): Promise<number> {
    return (await this.send({ add }, [add.vectors.buffer as ArrayBuffer])).size;
  }

  /** Removes all other items and returns the remaining number of vectors. */
  async keep(keep: Float64Array): Promise<number> {
    return (await this.send({ keep })).size;
  }

  async rank(rank: RankRequest): Promise<Ranking> {
    return (await this.send({ rank })).ranking!;
  }

  /** Ranks the vectors of `page` only, and does not keep them. */
  async rankAmong(page: VectorPage, rank: RankRequest): Promise<Ranking> {
    return (await this.send({ rank, page }, [page.vectors.buffer as ArrayBuffer])).ranking!;
  }

  async stop(): Promise<void> {
    const exited = this.hasFailed ? undefined : once(this.worker, 'exit');
    await this.worker.terminate();
    await exited;
  }

  private send(request: object, transferred: ArrayBuffer[] = []): Promise<SearchThreadReply> {
    if (this.failure) {
      return Promise.reject(this.failure);
    }
    const id = (this.count += 1);
    this.worker.postMessage({ id, ...request }, transferred);
    return new Promise((resolve, reject) => this.pending.set(id, { resolve, reject }));
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.pending.forEach(({ reject }) => reject(this.failure));
    this.pending.clear();
  }
}
