import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  names,
  newGate,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startStubborn,
  startWaiting,
  untilAnswered,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

/** Of a thread that has no past. */
const CLEAN = { status: 'idle', interrupts: {}, error: null };

const ALL = { path: ['one', 'two', 'three'] };

const server = serverForFile();
/** Executes no runs: what it is told must reach the other one. */
const elsewhere = server.beside({ env: { N_JOBS_PER_WORKER: '0' } });

describe.each(SDKS)('runs that are cancelled with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** Cancels, and gives the status of the answer. */
  const cancel = async (run_id: string, wait: boolean, url = server.url): Promise<number> => {
    const { client: recording, responses } = recordingClient(Client, url);
    await recording.runs.cancel(thread_id, run_id, wait);
    return responses[0].status;
  };

  const statusOf = async (run_id: string) => (await client.runs.get(thread_id, run_id)).status;

  describe.each([
    ['at the process that executes them', () => server.url],
    ['at another one', () => elsewhere.url],
  ])('while they run, %s', (_place, urlOf) => {
    let canceller: Client;

    beforeAll(() => {
      canceller = connect(Client, urlOf());
    });

    it('have stopped when the client waits for that', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      expect(await cancel(run_id, true, urlOf())).toBe(204);
      expect(await statusOf(run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('stop soon when the client does not wait for that', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      expect(await cancel(run_id, false, urlOf())).toBe(202);
      await client.runs.join(thread_id, run_id);
      expect(await statusOf(run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('keep the steps they have finished, on the thread and in its state', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      await canceller.runs.cancel(thread_id, run_id, true);
      expect(await client.threads.getState(thread_id)).toMatchObject({
        values: { order: ['a:start'] },
        next: ['wait'],
      });
      expect(await client.threads.get(thread_id)).toMatchObject({ values: { order: ['a:start'] }, error: null });
    });

    it('end their stream without an error', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const streamed = collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      await canceller.runs.cancel(thread_id, run_id);
      expect(names(await streamed)).toEqual(['metadata', 'values', 'values', 'custom']);
    });

    it('return the last state to waiting clients', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const waiter = recordingClient(Client, server.url);
      const joined = waiter.client.runs.join(thread_id, run_id);
      await untilAnswered(waiter);
      await canceller.runs.cancel(thread_id, run_id);
      expect(await joined).toMatchObject({ order: ['a:start'] });
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ order: ['a:start'] });
    });

    it('can be resumed', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      await canceller.runs.cancel(thread_id, run_id, true);
      gate.open();
      expect(await client.runs.wait(thread_id, 'waiting', { input: null })).toMatchObject({
        order: ['a:start', 'a:end'],
      });
    });

    it('release the thread for the next run', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const next = await client.runs.create(thread_id, 'steps', { input: {} });
      await canceller.runs.cancel(thread_id, run_id, true);
      expect(await client.runs.join(thread_id, next.run_id)).toMatchObject({ path: ['one', 'two', 'three'] });
      expect(await statusOf(next.run_id)).toBe('success');
    });

    it('can be cancelled twice', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      await Promise.all([
        canceller.runs.cancel(thread_id, run_id, true),
        canceller.runs.cancel(thread_id, run_id, true),
      ]);
      expect(await statusOf(run_id)).toBe('interrupted');
    });

    it('with durability exit keep their finished steps', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id, { durability: 'exit' });
      await canceller.runs.cancel(thread_id, run_id, true);
      expect((await client.threads.getState(thread_id)).values).toMatchObject({ order: ['a:start'] });
    });
  });

  describe.each([
    ['without waiting', false, 202],
    ['waiting', true, 204],
  ])('before they begin, %s', (_how, wait, status) => {
    it('never start, and do not affect the run before them', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const pending = await client.runs.create(thread_id, 'steps', { input: {} });
      expect(await cancel(pending.run_id, wait)).toBe(status);
      expect(await statusOf(pending.run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
      gate.open();
      await client.runs.join(thread_id, run_id);
      const thread = await client.threads.get(thread_id);
      expect(thread).toMatchObject({ status: 'idle', values: { order: ['a:start', 'a:end'] } });
      expect(thread.values).not.toHaveProperty('path');
    });

    it('leave later runs in the queue', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const second = await client.runs.create(thread_id, 'waiting', { input: { label: 'b' } });
      const third = await client.runs.create(thread_id, 'waiting', { input: { label: 'c' } });
      await cancel(second.run_id, wait);
      gate.open();
      expect(await client.runs.join(thread_id, third.run_id)).toMatchObject({
        order: ['a:start', 'a:end', 'c:start', 'c:end'],
      });
    });

    it('end the streams of their readers without an error', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const reader = recordingClient(Client, server.url);
      const streamed = collect(reader.client.runs.joinStream(thread_id, run_id));
      await untilAnswered(reader);
      await cancel(run_id, wait);
      expect(await streamed).toEqual([]);
      gate.open();
    });

    it('return the values of the thread to waiting clients and to later ones', async () => {
      thread_id = await newThread(client);
      expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toEqual(ALL);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const waiters = [server, elsewhere].map(({ url }) => recordingClient(Client, url));
      const joined = waiters.map((waiter) => waiter.client.runs.join(thread_id, run_id));
      await Promise.all(waiters.map(untilAnswered));
      await cancel(run_id, wait);
      expect(await Promise.all(joined)).toEqual([ALL, ALL]);
      expect(await client.runs.join(thread_id, run_id)).toEqual(ALL);
      gate.open();
    });

    it('report the rollback to waiting clients in every process', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const waiters = [server, elsewhere].map(({ url }) => recordingClient(Client, url));
      const joined = waiters.map((waiter) => waiter.client.runs.join(thread_id, run_id));
      await Promise.all(waiters.map(untilAnswered));
      await client.runs.cancel(thread_id, run_id, wait, 'rollback');
      const rolledBack = { __error__: { error: 'UserRollback' } };
      expect(await Promise.all(joined)).toMatchObject([rolledBack, rolledBack]);
      gate.open();
    });

    it('keep a pending interrupt of the thread', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' } });
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 3600 });
      await cancel(run_id, wait);
      const thread = await client.threads.get(thread_id);
      expect(thread.status).toBe('interrupted');
      expect(Object.values(thread.interrupts).flat()).toMatchObject([{ value: { question: 'why?' } }]);
    });
  });

  describe('in a node that ignores its signal', () => {
    it('are certain to stop once the client has the response', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startStubborn(client, thread_id);
      expect(await cancel(run_id, false)).toBe(202);
      const { rows } = await server.database.pool.query(
        'SELECT cancel_requested_at IS NOT NULL AS is_noted FROM runs WHERE run_id = $1',
        [run_id],
      );
      expect(rows).toEqual([{ is_noted: true }]);
      await client.runs.join(thread_id, run_id);
      expect(await statusOf(run_id)).toBe('interrupted');
      gate.open();
    });

    it('are stopped although the process that accepted the request has died', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startStubborn(client, thread_id);
      // What such a process has left.
      await server.database.pool.query('UPDATE runs SET cancel_requested_at = now() WHERE run_id = $1', [run_id]);
      await client.runs.join(thread_id, run_id);
      expect(await statusOf(run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: { order: ['a:start'] } });
      gate.open();
    });

    it('keep neither the interrupt nor the error of the run before on their thread', async () => {
      for (const graph of ['ask', 'failing']) {
        thread_id = await newThread(client);
        await client.runs.wait(thread_id, graph, { input: {}, raiseError: false });
        const { gate, run_id } = await startStubborn(client, thread_id);
        await client.runs.cancel(thread_id, run_id, true);
        gate.open();
        expect(await client.threads.get(thread_id)).toMatchObject({ ...CLEAN, values: { order: ['a:start'] } });
      }
    });
  });

  it.each(['ask', 'failing'])(
    'in a process that does not respond keep nothing of "%s", which ran before',
    async (graph) => {
      const other = connect(Client, elsewhere.url);
      thread_id = await newThread(other);
      await other.runs.wait(thread_id, graph, { input: {}, raiseError: false });
      const log = newGate().path;
      const { run_id } = await other.runs.create(thread_id, 'computing', {
        input: { ms: 2_500, log },
        durability: 'sync',
      });
      await askUntil(() => Promise.resolve(existsSync(log)), Boolean);
      await other.runs.cancel(thread_id, run_id, true);
      expect(await other.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
      expect(await other.threads.get(thread_id)).toMatchObject({ ...CLEAN, values: { log } });
      expect(await other.runs.join(thread_id, run_id)).toMatchObject({ log });
    },
  );

  it.each([
    [false, 202],
    [true, 204],
  ])('do not change after their end (waiting: %s)', async (wait, status) => {
    thread_id = await newThread(client);
    const { run_id } = await client.runs.create(thread_id, 'ask', { input: { question: 'why?' } });
    await client.runs.join(thread_id, run_id);
    expect(await cancel(run_id, wait)).toBe(status);
    expect(await statusOf(run_id)).toBe('success');
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });
  });

  it('must exist, on that thread', async () => {
    thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    const missing = refusal(404, 'run_not_found');
    await expect(client.runs.cancel(thread_id, randomUUID())).rejects.toMatchObject(missing);
    await expect(client.runs.cancel(await newThread(client), run_id)).rejects.toMatchObject(missing);
    expect(await statusOf(run_id)).toBe('running');
    gate.open();
    await client.runs.join(thread_id, run_id);
  });

  it('continue after a request with an unknown action, which is rejected', async () => {
    thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    await expect(client.runs.cancel(thread_id, run_id, false, 'explode' as never)).rejects.toMatchObject(
      refusal(422, 'validation_failed'),
    );
    gate.open();
    await client.runs.join(thread_id, run_id);
    expect(await statusOf(run_id)).toBe('success');
  });
});

describe('a run whose input another one has taken over', () => {
  let client: Client;

  beforeAll(() => {
    client = connect(SDKS[0][1], server.url);
  });

  it.each([true, false])('keeps that as the reason for its end, in lists too (waiting: %s)', async (wait) => {
    const thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    const pending = await client.runs.create(thread_id, 'steps', { input: {} });
    for (const id of [pending.run_id, run_id]) {
      await client.runs.cancel(thread_id, id, wait, 'interrupt', { reason: 'taken' });
    }
    await client.runs.join(thread_id, run_id);
    const taken = { cancel_reason: expect.stringMatching(/^taken:/) as unknown };
    expect(await client.runs.list(thread_id, { select: ['cancel_reason'] })).toEqual([taken, taken]);
    expect(await client.runs.get(thread_id, run_id)).toMatchObject(taken);
    gate.open();
  });

  it('has no reason when it has ended by itself', async () => {
    const thread_id = await newThread(client);
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
    await client.runs.join(thread_id, run_id);
    await client.runs.cancel(thread_id, run_id, true, 'interrupt', { reason: 'taken' });
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'success', cancel_reason: null });
  });

  it('cannot have a reason with a rollback', async () => {
    const thread_id = await newThread(client);
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 3600 });
    const cancel = client.runs.cancel(thread_id, run_id, true, 'rollback', { reason: 'taken' });
    await expect(cancel).rejects.toMatchObject(refusal(422, 'validation_failed'));
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'pending' });
  });
});
