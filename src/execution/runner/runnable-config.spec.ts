import { describe, expect, it } from '@jest/globals';
import { toRunnableConfig } from './runnable-config.js';

describe('toRunnableConfig', () => {
  it('converts keys to LangChain’s spelling and keeps unknown keys', () => {
    expect(toRunnableConfig({ recursion_limit: 5, run_name: 'r', max_concurrency: 2, tags: ['t'], own: 1 })).toEqual({
      recursionLimit: 5,
      runName: 'r',
      maxConcurrency: 2,
      tags: ['t'],
      own: 1,
      configurable: {},
    });
  });

  it('leaves an absent recursion limit absent, so that one bound to the graph is kept', () => {
    expect('recursionLimit' in toRunnableConfig({ recursion_limit: null })).toBe(false);
  });

  it('drops keys that would control the engine', () => {
    const hostile = {
      callbacks: [1],
      signal: 1,
      store: 1,
      streamMode: 'debug',
      configurable: { __pregel_read: 1, ok: 1 },
    };
    expect(toRunnableConfig(hostile)).toEqual({ configurable: { ok: 1 } });
  });
});
