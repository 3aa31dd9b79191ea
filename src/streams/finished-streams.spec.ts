import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FinishedStreams } from './finished-streams.js';

describe('FinishedStreams', () => {
  let forgotten: string[];
  let finished: FinishedStreams;
  beforeEach(() => {
    jest.useFakeTimers();
    forgotten = [];
    finished = new FinishedStreams((run_id) => forgotten.push(run_id));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('drops a run after its retention, unless another attempt has started', () => {
    finished.add('a', 1);
    finished.add('b', 1);
    finished.delete('b');
    jest.advanceTimersByTime(29_999);
    expect(forgotten).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(forgotten).toEqual(['a']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('drops the oldest runs when all together exceed the limit', () => {
    const third = 64 * 1024 * 1024 / 3; // prettier-ignore
    ['a', 'b', 'c', 'd'].forEach((run_id) => finished.add(run_id, third));
    expect(forgotten).toEqual(['a']);
    finished.add('huge', 4 * third);
    expect(forgotten).toEqual(['a', 'b', 'c', 'd', 'huge']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no timer after clear', () => {
    ['a', 'b'].forEach((run_id) => finished.add(run_id, 1));
    finished.clear();
    expect(forgotten).toEqual(['a', 'b']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
