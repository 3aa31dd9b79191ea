import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddingFailedError } from '../store.errors.js';
import type { Embeddings } from './embeddings.js';

/** Number of texts per call. */
const BATCH_SIZE = 96;
/** At most so many calls run at the same time. */
const MAX_CONCURRENT_CALLS = 4;
/** Timeout of one call. */
const CALL_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 3;
/** Delay before the second attempt; doubled before the third. */
const RETRY_DELAY_MS = 250;

/** A vector of length 1. The dot product of two of them is their cosine similarity. */
export type UnitVector = Float32Array;

/** Embeds texts in batches, with a timeout and bounded retries. Never call it inside a transaction. */
export class Embedder {
  constructor(
    private readonly embeddings: Embeddings,
    private readonly dims: number,
    private readonly timeout_ms = CALL_TIMEOUT_MS,
  ) {}

  /** Returns the vectors by text; each distinct text is embedded once. Throws {@link EmbeddingFailedError}. */
  async embedDocuments(texts: Iterable<string>): Promise<Map<string, UnitVector>> {
    const all = [...new Set(texts)];
    const batches = Array.from({ length: Math.ceil(all.length / BATCH_SIZE) }, (_, n) =>
      all.slice(n * BATCH_SIZE, (n + 1) * BATCH_SIZE),
    );
    const vectors = new Map<string, UnitVector>();
    const workThrough = async (): Promise<void> => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const found = await this.callWithRetries(batch.length, (given) => this.embeddings.embedDocuments(given), batch);
        batch.forEach((text, index) => vectors.set(text, found[index]));
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT_CALLS }, workThrough));
    return vectors;
  }

  /** Throws {@link EmbeddingFailedError}. */
  async embedQuery(text: string): Promise<UnitVector> {
    const [vector] = await this.callWithRetries(1, async (given) => [await this.embeddings.embedQuery(given)], text);
    return vector;
  }

  private async callWithRetries<T>(
    count: number,
    call: (given: T) => Promise<number[][]>,
    given: T,
  ): Promise<UnitVector[]> {
    let failure: unknown;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 0) {
        await sleep(RETRY_DELAY_MS * 2 ** (attempt - 1));
      }
      try {
        return this.toVectors(await this.withTimeout(call(given)), count);
      } catch (error) {
        if (error instanceof EmbeddingFailedError) {
          throw error;
        }
        failure = error;
      }
    }
    throw new EmbeddingFailedError(reasonOf(failure), failure);
  }

  private async withTimeout<T>(call: Promise<T>): Promise<T> {
    const done = new AbortController();
    const late = sleep(this.timeout_ms, undefined, { signal: done.signal }).then(() =>
      Promise.reject(new Error(`the embeddings did not respond within ${this.timeout_ms} ms`)),
    );
    late.catch(() => undefined);
    try {
      return await Promise.race([call, late]);
    } finally {
      done.abort();
    }
  }

  /** A wrong result is not retried: the embeddings do not match the configuration. */
  private toVectors(found: unknown, count: number): UnitVector[] {
    if (!Array.isArray(found) || found.length !== count) {
      throw new EmbeddingFailedError(
        `expected ${count} vectors, got ${Array.isArray(found) ? found.length : typeof found}`,
      );
    }
    return found.map((vector: unknown) => this.toUnit(vector));
  }

  private toUnit(vector: unknown): UnitVector {
    const numbers =
      Array.isArray(vector) || ArrayBuffer.isView(vector) ? Float32Array.from(vector as number[]) : undefined;
    if (numbers?.length !== this.dims || !numbers.every(Number.isFinite)) {
      throw new EmbeddingFailedError(
        `expected vectors of ${this.dims} numbers (store.index.dims), got ${numbers?.length ?? typeof vector}`,
      );
    }
    const length = Math.sqrt(numbers.reduce((sum, number) => sum + number * number, 0));
    return length > 0 ? numbers.map((number) => number / length) : numbers;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
