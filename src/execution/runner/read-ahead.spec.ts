import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { IterableReadableStream } from '@langchain/core/utils/stream';
import { readAhead } from './read-ahead.js';

/** A stream and its controller. */
function newStream() {
  let controller!: ReadableStreamDefaultController<number>;
  const stream = new ReadableStream<number>({
    start: (given) => {
      controller = given;
    },
  });
  return { stream: IterableReadableStream.fromReadableStream(stream), controller };
}

/** Pauses after each part. */
async function takeSlowly(parts: AsyncIterable<number>, taken: number[]): Promise<void> {
  for await (const part of parts) {
    taken.push(part);
    await nextTurn();
    await nextTurn();
  }
}

describe('readAhead', () => {
  it('yields all parts before an error', async () => {
    const { stream, controller } = newStream();
    const taken: number[] = [];
    const done = takeSlowly(readAhead(stream), taken);
    done.catch(() => undefined);
    for (const part of [1, 2, 3]) {
      controller.enqueue(part);
      await Promise.resolve();
      await nextTurn();
    }
    controller.error(new Error('broken'));
    await expect(done).rejects.toThrow('broken');
    expect(taken).toEqual([1, 2, 3]);
  });

  it('yields all parts before a regular end', async () => {
    const { stream, controller } = newStream();
    [1, 2, 3].forEach((part) => controller.enqueue(part));
    controller.close();
    const taken: number[] = [];
    await takeSlowly(readAhead(stream), taken);
    expect(taken).toEqual([1, 2, 3]);
  });

  it('cancels the stream when its consumer stops', async () => {
    let isCancelled = false;
    let reads = 0;
    const endless: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          reads += 1;
          return reads === 1 ? Promise.resolve({ done: false, value: 1 }) : new Promise(() => undefined);
        },
        return: () => {
          isCancelled = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    for await (const part of readAhead(endless)) {
      expect(part).toBe(1);
      break;
    }
    expect(isCancelled).toBe(true);
  });
});
