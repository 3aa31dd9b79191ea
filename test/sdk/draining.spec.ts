import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Client, collect, connect, names, newThread, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

describe.each(SDKS)('a graph that drains itself, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });
  beforeEach(async () => {
    thread_id = await newThread(client);
  });

  const drain = (how: string) => client.runs.wait(thread_id, 'draining', { input: { how } });

  const attempts = async (): Promise<unknown> =>
    (await server.database.pool.query('SELECT status, attempt FROM runs WHERE thread_id = $1', [thread_id])).rows;

  it('sees the control of LangGraph', async () => {
    expect(await drain('with a reason')).toMatchObject({ seen: [true, false, null] });
  });

  it.each(['with a reason', 'without a reason'])(
    'stops after its superstep, and resumes when it is called again: %s',
    async (how) => {
      expect(await drain(how)).toMatchObject({ log: ['one'] });
      expect(await attempts()).toEqual([{ status: 'interrupted', attempt: 1 }]);
      expect(await client.threads.get(thread_id)).toMatchObject({
        status: 'interrupted',
        values: { log: ['one'] },
        interrupts: {},
        error: null,
      });
      expect(await client.threads.getState(thread_id)).toMatchObject({ next: ['two'] });

      expect(await client.runs.wait(thread_id, 'draining', { input: null })).toMatchObject({ log: ['one', 'two'] });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    },
  );

  it('in a graph that a node calls ends the run once, and does not repeat it', async () => {
    await drain('inside');
    expect(await attempts()).toEqual([{ status: 'interrupted', attempt: 1 }]);
    expect(await client.threads.getState(thread_id)).toMatchObject({ values: { log: [] }, next: ['one'] });
  });

  it.each(['sync', 'exit'] as const)('keeps its step with durability %s', async (durability) => {
    await client.runs.wait(thread_id, 'draining', { input: { how: 'with a reason' }, durability });
    expect(await client.threads.getState(thread_id)).toMatchObject({ values: { log: ['one'] }, next: ['two'] });
  });

  it('ends its stream without an error', async () => {
    const input = { how: 'with a reason' };
    const parts = await collect(
      client.runs.stream(thread_id, 'draining', { input, streamMode: ['updates', 'events'] }),
    );
    expect(names(parts).filter((name) => name !== 'events')).toEqual(['metadata', 'updates']);
  });

  it('ends a stateless run with the values it has reached', async () => {
    const answer = await client.runs.wait(null, 'draining', { input: { how: 'with a reason' } });
    expect(answer).toMatchObject({ log: ['one'] });
  });
});
