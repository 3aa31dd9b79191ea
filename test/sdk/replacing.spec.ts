import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client as NewestClient } from 'langgraph-sdk-newest';
import {
  type Client,
  collect,
  connect,
  type Gate,
  names,
  newGate,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startStubborn,
  untilAnswered,
} from '../support/sdk.js';

const server = serverForFile();
/** Executes no runs: what it decides must reach the other one. */
const elsewhere = server.beside({ env: { N_JOBS_PER_WORKER: '0' } });

/** Lets the node of a superseded run continue, and waits until it has ended. */
async function letLateWritesCome({ path, open }: Gate): Promise<void> {
  open();
  while (!existsSync(`${path}.passed`)) {
    await sleep(5);
  }
}

const orderOf = ({ values }: { values: unknown }): unknown => (values as { order: string[] }).order;

describe.each(SDKS)('runs that replace others, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  describe.each([
    ['at the process that executes them', () => server.url],
    ['at another one', () => elsewhere.url],
  ])('created %s,', (_place, urlOf) => {
    let replacer: Client;

    beforeAll(() => {
      replacer = connect(Client, urlOf());
    });

    const replace = (multitaskStrategy: 'interrupt' | 'rollback') =>
      replacer.runs.wait(thread_id, 'stubborn', { input: { label: 'b', gate: '' }, multitaskStrategy });

    describe('by interrupting them', () => {
      it('do not wait for a node that ignores its signal, and keep the finished steps', async () => {
        thread_id = await newThread(client);
        const { gate, run_id } = await startStubborn(client, thread_id);
        expect(orderOf({ values: await replace('interrupt') })).toEqual(['a:start', 'b:start', 'b:end']);
        expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
        await letLateWritesCome(gate);
        expect(orderOf(await client.threads.getState(thread_id))).toEqual(['a:start', 'b:start', 'b:end']);
        expect(await client.threads.get(thread_id)).toMatchObject({
          status: 'idle',
          values: { order: ['a:start', 'b:start', 'b:end'] },
        });
      });

      it('also stop the queued runs', async () => {
        thread_id = await newThread(client);
        const { gate, run_id } = await startStubborn(client, thread_id);
        const waiting = await client.runs.create(thread_id, 'stubborn', { input: { label: 'queued' } });
        await replace('interrupt');
        gate.open();
        const runs = await client.runs.list(thread_id);
        expect(runs.map(({ status }) => status)).toEqual(['success', 'interrupted', 'interrupted']);
        expect(runs.slice(1).map((run) => run.run_id)).toEqual([waiting.run_id, run_id]);
      });

      it('end the streams of the interrupted runs without an error', async () => {
        thread_id = await newThread(client);
        const { gate, run_id } = await startStubborn(client, thread_id);
        const stream = collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
        await replace('interrupt');
        expect(names(await stream)).not.toContain('error');
        gate.open();
      });
    });

    describe('by rolling them back', () => {
      it('delete the runs and their checkpoints, and discard their late writes', async () => {
        thread_id = await newThread(client);
        await client.runs.wait(thread_id, 'stubborn', { input: { label: 'before', gate: '' } });
        const historyBefore = (await client.threads.getHistory(thread_id)).length;
        const { gate, run_id } = await startStubborn(client, thread_id);
        const expected = ['before:start', 'before:end', 'b:start', 'b:end'];
        expect(orderOf({ values: await replace('rollback') })).toEqual(expected);
        await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject(refusal(404, 'run_not_found'));
        await letLateWritesCome(gate);
        expect(orderOf(await client.threads.getState(thread_id))).toEqual(expected);
        const history = await client.threads.getHistory(thread_id, { limit: 100 });
        expect(history).toHaveLength(2 * historyBefore);
        expect(history.some(({ metadata }) => (metadata as { run_id?: string }).run_id === run_id)).toBe(false);
      });

      it('notify the clients that stream or wait for them', async () => {
        thread_id = await newThread(client);
        const { gate, run_id } = await startStubborn(client, thread_id);
        const [reader, waiter] = [recordingClient(Client, server.url), recordingClient(Client, server.url)];
        const stream = collect(reader.client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
        const answer = waiter.client.runs.join(thread_id, run_id);
        // A request that comes later does not find the run any more.
        await Promise.all([untilAnswered(reader), untilAnswered(waiter)]);
        await replace('rollback');
        expect((await stream).at(-1)).toMatchObject({ event: 'error', data: { error: 'UserRollback' } });
        expect(await answer).toMatchObject({ __error__: { error: 'UserRollback' } });
        gate.open();
      });

      it('restore the interrupt that was pending before', async () => {
        thread_id = await newThread(client);
        await client.runs.wait(thread_id, 'ask', { input: { question: 'go?' } });
        const { gate, run_id } = await startStubborn(client, thread_id);
        await client.runs.cancel(thread_id, run_id, true, 'rollback');
        gate.open();
        expect(await client.threads.get(thread_id)).toMatchObject({
          status: 'interrupted',
          values: { question: 'go?' },
        });
        expect(await client.threads.getState(thread_id)).toMatchObject({ values: { question: 'go?' } });
        expect(await client.runs.wait(thread_id, 'ask', { command: { resume: 'yes' } })).toMatchObject({
          answer: 'yes',
        });
      });

      it('restore the error of a thread whose last run failed', async () => {
        thread_id = await newThread(client);
        await client.runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
        const before = await client.threads.get(thread_id);
        expect(before.status).toBe('error');
        const { gate, run_id } = await startStubborn(client, thread_id);
        await replacer.runs.cancel(thread_id, run_id, true, 'rollback');
        gate.open();
        const { status, values, interrupts } = await client.threads.get(thread_id);
        expect({ status, values, interrupts }).toEqual({
          status: before.status,
          values: before.values,
          interrupts: before.interrupts,
        });
      });

      it('also roll back the queued runs', async () => {
        thread_id = await newThread(client);
        const { gate } = await startStubborn(client, thread_id);
        await client.runs.create(thread_id, 'stubborn', { input: { label: 'queued' } });
        expect(orderOf({ values: await replace('rollback') })).toEqual(['b:start', 'b:end']);
        gate.open();
        expect((await client.runs.list(thread_id)).map(({ status }) => status)).toEqual(['success']);
      });
    });
  });

  describe('while the other run has not started,', () => {
    const notYet = async (): Promise<string> => {
      thread_id = await newThread(client);
      return (await client.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 3600 })).run_id;
    };
    const replace = (multitaskStrategy: 'interrupt' | 'rollback' | 'reject') =>
      client.runs.wait(thread_id, 'steps', { input: {}, multitaskStrategy });

    it('interrupt it', async () => {
      const run_id = await notYet();
      expect(await replace('interrupt')).toEqual({ path: ['one', 'two', 'three'] });
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('roll it back', async () => {
      const run_id = await notYet();
      expect(await replace('rollback')).toEqual({ path: ['one', 'two', 'three'] });
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject(refusal(404, 'run_not_found'));
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('are rejected with the strategy reject', async () => {
      const run_id = await notYet();
      await expect(replace('reject')).rejects.toMatchObject(refusal(409, 'thread_busy'));
      expect((await client.runs.list(thread_id)).map((run) => run.run_id)).toEqual([run_id]);
    });
  });

  describe('cancelled by rollback', () => {
    it.each([true, false])('are deleted, whether they are running or pending (wait %s)', async (wait) => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startStubborn(client, thread_id);
      const queued = await client.runs.create(thread_id, 'stubborn', { input: { label: 'queued' } });
      await client.runs.cancel(thread_id, queued.run_id, wait, 'rollback');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
      await client.runs.cancel(thread_id, run_id, wait, 'rollback');
      expect(await client.runs.list(thread_id)).toEqual([]);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: null });
      await letLateWritesCome(gate);
      expect(await client.threads.getHistory(thread_id)).toEqual([]);
    });
  });
});

describe('many runs cancelled at once', () => {
  let client: Client;
  beforeAll(() => {
    client = connect(NewestClient, server.url);
  });

  it('are the listed runs of a thread', async () => {
    const thread_id = await newThread(client);
    const { gate, run_id } = await startStubborn(client, thread_id);
    const [b, c] = [
      await client.runs.create(thread_id, 'stubborn', { input: { label: 'b', gate: '' } }),
      await client.runs.create(thread_id, 'stubborn', { input: { label: 'c', gate: '' } }),
    ];
    await client.runs.cancelMany({ threadId: thread_id, runIds: [run_id, b.run_id] });
    gate.open();
    await client.runs.join(thread_id, c.run_id);
    const statuses = (await client.runs.list(thread_id)).map(({ status }) => status);
    expect(statuses).toEqual(['success', 'interrupted', 'interrupted']);
  });

  it.each([
    ['pending', ['interrupted', 'running']],
    ['running', ['success', 'interrupted']],
    ['all', ['interrupted', 'interrupted']],
  ] as const)('are all that are %s', async (status, expected) => {
    const thread_id = await newThread(client);
    const { gate, run_id } = await startStubborn(client, thread_id);
    const queued = await client.runs.create(thread_id, 'stubborn', { input: { label: 'queued', gate: '' } });
    await client.runs.cancelMany({ status });
    if (status === 'running') {
      await client.runs.join(thread_id, queued.run_id);
    }
    expect((await client.runs.list(thread_id)).map((run) => run.status)).toEqual(expected);
    gate.open();
    await client.runs.join(thread_id, run_id);
  });

  it('are rolled back on all their threads, stateless or not', async () => {
    const thread_ids = [await newThread(client), await newThread(client)];
    const runs = await Promise.all(
      [...thread_ids, null].map((id) =>
        client.runs.create(id as string, 'steps', { input: {}, afterSeconds: 3600, onCompletion: 'continue' }),
      ),
    );
    await client.runs.cancelMany({ status: 'all', action: 'rollback' });
    for (const { thread_id, run_id } of runs) {
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject(refusal(404, 'run_not_found'));
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    }
  });

  it('are the listed runs, also on the hidden thread of a stateless run', async () => {
    const gate = newGate();
    const { run_id, thread_id } = await client.runs.create(null, 'stubborn', {
      input: { gate: gate.path, label: 'a' },
    });
    await client.runs.cancelMany({ threadId: thread_id, runIds: [run_id] });
    await expect(client.runs.cancelMany({ threadId: crypto.randomUUID(), runIds: [run_id] })).rejects.toMatchObject(
      refusal(404, 'thread_not_found'),
    );
    expect(await client.runs.join(thread_id, run_id)).toMatchObject({ order: ['a:start'] });
    gate.open();
  });

  it('cause an error when no run matches or the request is ambiguous', async () => {
    const thread_id = await newThread(client);
    const unclear = refusal(422, 'validation_failed');
    await expect(client.runs.cancelMany({ threadId: thread_id, runIds: [] })).rejects.toMatchObject(
      refusal(404, 'nothing_to_cancel'),
    );
    await expect(client.runs.cancelMany({ threadId: thread_id })).rejects.toMatchObject(unclear);
    await expect(client.runs.cancelMany({ status: 'all', threadId: thread_id, runIds: [] })).rejects.toMatchObject(
      unclear,
    );
  });
});
