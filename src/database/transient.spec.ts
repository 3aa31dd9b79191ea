import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailableError } from './database.errors.js';
import { retryWhileUnavailable } from './transient.js';

const outage = new DatabaseUnavailableError(new Error('gone'));

describe('retryWhileUnavailable', () => {
  it('retries, with `isRetry` set, until the database is available', async () => {
    const tries: boolean[] = [];
    const result = await retryWhileUnavailable(10_000, (isRetry) => {
      tries.push(isRetry);
      return tries.length < 3 ? Promise.reject(outage) : Promise.resolve('done');
    });

    expect({ result, tries }).toEqual({ result: 'done', tries: [false, true, true] });
  });

  it('gives up after its timeout', async () => {
    let tries = 0;
    const failing = retryWhileUnavailable(0, () => {
      tries += 1;
      return Promise.reject(outage);
    });

    await expect(failing).rejects.toBe(outage);
    expect(tries).toBe(1);
  });

  it('gives up when the client has disconnected', async () => {
    let tries = 0;
    const work = (): Promise<never> => {
      tries += 1;
      return Promise.reject(outage);
    };

    await expect(retryWhileUnavailable(10_000, work, () => tries === 2)).rejects.toBe(outage);
    expect(tries).toBe(2);
  });

  it('does not retry other errors', async () => {
    const failure = new Error('syntax error');

    await expect(retryWhileUnavailable(10_000, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
