import { describe, expect, it } from '@jest/globals';
import { toRunnableConfig } from './runnable-config.js';

describe('toRunnableConfig', () => {
  it('spells the keys as LangChain does and keeps those it does not know', () => {
    expect(toRunnableConfig({ recursion_limit: 5, run_name: 'r', max_concurrency: 2, tags: ['t'], own: 1 })).toEqual({
      recursionLimit: 5,
      runName: 'r',
      maxConcurrency: 2,
      tags: ['t'],
      own: 1,
      configurable: {},
    });
  });

  it('leaves an absent recursion limit absent, so that one bound to the graph survives', () => {
    expect('recursionLimit' in toRunnableConfig({ recursion_limit: null })).toBe(false);
  });

  it('lets nobody reach into the engine', () => {
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
