import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddingFailedError } from '../store.errors.js';
import type { Embeddings } from './embeddings.js';

/** Texts that one call gets. */
const BATCH = 96;
/** Calls at the same time. */
const CALLS = 4;
/** Milliseconds that one call may take. */
const TIMEOUT_MS = 30_000;
const TRIES = 3;
/** Milliseconds before the second try; twice as long before the third. */
const RETRY_MS = 250;

/** A vector of length 1: then the product of two of them is the cosine of their angle. */
export type UnitVector = Float32Array;

/** Turns texts into vectors, in batches; tries again, and not for ever. Never to be called inside a transaction. */
export class Embedder {
  constructor(
    private readonly embeddings: Embeddings,
    private readonly dims: number,
    private readonly timeout_ms = TIMEOUT_MS,
  ) {}

  /** By text; each is embedded once. Throws {@link EmbeddingFailedError}. */
  async embedDocuments(texts: Iterable<string>): Promise<Map<string, UnitVector>> {
    const all = [...new Set(texts)];
    const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, n) =>
      all.slice(n * BATCH, (n + 1) * BATCH),
    );
    const vectors = new Map<string, UnitVector>();
    const workThrough = async (): Promise<void> => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const found = await this.patiently(batch.length, (given) => this.embeddings.embedDocuments(given), batch);
        batch.forEach((text, index) => vectors.set(text, found[index]));
      }
    };
    await Promise.all(Array.from({ length: CALLS }, workThrough));
    return vectors;
  }

  /** Throws {@link EmbeddingFailedError}. */
  async embedQuery(text: string): Promise<UnitVector> {
    const [vector] = await this.patiently(1, async (given) => [await this.embeddings.embedQuery(given)], text);
    return vector;
  }

  private async patiently<T>(count: number, call: (given: T) => Promise<number[][]>, given: T): Promise<UnitVector[]> {
    let failure: unknown;
    for (let tried = 0; tried < TRIES; tried += 1) {
      if (tried > 0) {
        await sleep(RETRY_MS * 2 ** (tried - 1));
      }
      try {
        return this.toVectors(await this.inTime(call(given)), count);
      } catch (error) {
        if (error instanceof EmbeddingFailedError) {
          throw error;
        }
        failure = error;
      }
    }
    throw new EmbeddingFailedError(reasonOf(failure), failure);
  }

  private async inTime<T>(call: Promise<T>): Promise<T> {
    const done = new AbortController();
    const late = sleep(this.timeout_ms, undefined, { signal: done.signal }).then(() =>
      Promise.reject(new Error(`no answer within ${this.timeout_ms} ms`)),
    );
    late.catch(() => undefined);
    try {
      return await Promise.race([call, late]);
    } finally {
      done.abort();
    }
  }

  /** Trying again would not change it: what embeds is not what the configuration says. */
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
