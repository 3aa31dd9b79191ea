import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  dataOf,
  names,
  newGate,
  newThread,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

const server = serverForFile({ env: { BG_JOB_TIMEOUT_SECS: '3' } });

const TOO_LONG = { error: 'RunTimeout', message: expect.stringContaining('longer than 3 s') as unknown };

describe.each(SDKS)('a run that takes longer than it may, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const statusOf = async (run_id: string) => (await client.runs.get(thread_id, run_id)).status;

  describe.each(['waiting', 'stubborn'])('in a node of "%s"', (graph) => {
    it('ends as timeout, with what it has done, and says so', async () => {
      thread_id = await newThread(client);
      const gate = newGate();
      const { run_id } = await client.runs.create(thread_id, graph, { input: { gate: gate.path, label: 'a' } });
      const parts = await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      gate.open();

      expect(names(parts).at(-1)).toBe('error');
      expect(dataOf(parts, 'error')).toEqual([TOO_LONG]);
      expect(await statusOf(run_id)).toBe('timeout');
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ __error__: TOO_LONG });
      expect(await client.runs.list(thread_id, { status: 'timeout' })).toMatchObject([{ run_id }]);
      expect(await client.runs.list(thread_id, { status: 'error' })).toEqual([]);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error', values: { order: ['a:start'] } });
    });
  });

  it('is not tried again, and the run behind it has its turn', async () => {
    thread_id = await newThread(client);
    const gate = newGate();
    const slow = await client.runs.create(thread_id, 'waiting', { input: { gate: gate.path, label: 'a' } });
    const next = await client.runs.create(thread_id, 'waiting', { input: { gate: '', label: 'b' } });
    await client.runs.join(thread_id, next.run_id);

    expect(await statusOf(slow.run_id)).toBe('timeout');
    expect(await statusOf(next.run_id)).toBe('success');
    expect(await client.threads.get(thread_id)).toMatchObject({
      status: 'idle',
      values: { order: ['a:start', 'b:start', 'b:end'] },
    });
  });
});
