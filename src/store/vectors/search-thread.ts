import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Ranking, RankRequest, VectorPage } from './exact-search.js';
import type { SearchThreadAnswer, SearchThreadData } from './exact-search.thread.js';

interface Asked {
  resolve: (answer: SearchThreadAnswer) => void;
  reject: (error: unknown) => void;
}

/** Vectors outside of the event loop, which comparing all of them would hold up for tens of milliseconds. */
export class SearchThread {
  private readonly worker: Worker;
  private readonly asked = new Map<number, Asked>();
  private count = 0;
  private failure?: Error;

  constructor(dims: number) {
    const workerData: SearchThreadData = { dims };
    this.worker = new Worker(new URL('./exact-search.thread.js', import.meta.url), { workerData });
    this.worker.on('message', (answer: SearchThreadAnswer) => {
      this.asked.get(answer.id)?.resolve(answer);
      this.asked.delete(answer.id);
    });
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the thread that compares vectors has ended')));
  }

  /** Whether it can be asked no more: what it had in memory is gone. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** Gives how many vectors there are now. */
  async add(add: VectorPage): Promise<number> {
    return (await this.ask({ add }, [add.vectors.buffer as ArrayBuffer])).size;
  }

  /** Forgets all other items. Gives how many vectors are left. */
  async keep(keep: Float64Array): Promise<number> {
    return (await this.ask({ keep })).size;
  }

  async rank(rank: RankRequest): Promise<Ranking> {
    return (await this.ask({ rank })).ranking!;
  }

  /** The same among others, which it does not keep. */
  async rankAmong(page: VectorPage, rank: RankRequest): Promise<Ranking> {
    return (await this.ask({ rank, page }, [page.vectors.buffer as ArrayBuffer])).ranking!;
  }

  async stop(): Promise<void> {
    const exited = this.hasFailed ? undefined : once(this.worker, 'exit');
    await this.worker.terminate();
    await exited;
  }

  private ask(request: object, transferred: ArrayBuffer[] = []): Promise<SearchThreadAnswer> {
    if (this.failure) {
      return Promise.reject(this.failure);
    }
    const id = (this.count += 1);
    this.worker.postMessage({ id, ...request }, transferred);
    return new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.asked.forEach(({ reject }) => reject(this.failure));
    this.asked.clear();
  }
}
