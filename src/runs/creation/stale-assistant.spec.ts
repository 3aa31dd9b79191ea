import { describe, expect, it } from '@jest/globals';
import type { RunAssistant } from '../../assistants/index.js';
import { AssistantChangingError } from '../runs.errors.js';
import { retryOnStaleAssistant, StaleAssistantError } from './stale-assistant.js';

const assistant = { assistant_id: 'a' } as RunAssistant;

/** A creation that finds the assistant stale `staleReads` times. */
function creation(staleReads: number, isAbandoned = (): boolean => false) {
  const calls = { create: 0, forget: 0 };
  const result = retryOnStaleAssistant(
    () => {
      calls.create += 1;
      return calls.create > staleReads ? Promise.resolve('run') : Promise.reject(new StaleAssistantError(assistant));
    },
    { forget: () => (calls.forget += 1), isAbandoned },
  );
  return { calls, result };
}

describe('retryOnStaleAssistant', () => {
  it('reads the assistant again after it has changed', async () => {
    const { calls, result } = creation(2);

    await expect(result).resolves.toBe('run');
    expect(calls).toEqual({ create: 3, forget: 2 });
  });

  it('gives up on an assistant that keeps changing', async () => {
    const { calls, result } = creation(Infinity);

    await expect(result).rejects.toBeInstanceOf(AssistantChangingError);
    expect(calls.create).toBe(10);
  });

  it('stops retrying once the client has disconnected', async () => {
    const { calls, result } = creation(Infinity, () => true);

    await expect(result).rejects.toBeInstanceOf(AssistantChangingError);
    expect(calls.create).toBe(1);
  });

  it('does not retry after another error', async () => {
    const failure = new Error('no such graph');
    const options = { forget: () => undefined, isAbandoned: () => false };

    await expect(retryOnStaleAssistant(() => Promise.reject(failure), options)).rejects.toBe(failure);
  });
});
