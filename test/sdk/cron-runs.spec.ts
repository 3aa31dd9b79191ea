import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Receiver, startReceiver } from '../support/receiver.js';
import {
  addingClient,
  type Client,
  connect,
  newThread,
  SDKS,
  serverForFile,
  startStubborn,
  startWaiting,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

/** Once a year: due only when a test makes it due. */
const YEARLY = '0 0 1 1 *';
const STEPS = { path: ['one', 'two', 'three'] };

type Cron = Awaited<ReturnType<Client['crons']['search']>>[number] & { disabled_reason?: string };
type Run = Awaited<ReturnType<Client['runs']['get']>> & { kwargs: Record<string, unknown> };

const server = serverForFile({ env: { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true' } });

describe.each(SDKS)('the runs of crons with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });
  beforeEach(async () => {
    thread_id = await newThread(client);
  });

  const create = async (assistant: string, fields: object = {}): Promise<Cron> =>
    (await addingClient(Client, server.url, fields).crons.create(assistant, {
      schedule: YEARLY,
      input: {},
    })) as unknown as Cron;
  const createOnThread = async (assistant: string, fields: object = {}): Promise<Cron> =>
    (await addingClient(Client, server.url, fields).crons.createForThread(thread_id, assistant, {
      schedule: YEARLY,
      input: {},
    })) as unknown as Cron;
  const get = async ({ cron_id }: Cron): Promise<Cron> =>
    (await (await fetch(`${server.url}/runs/crons/${cron_id}`)).json()) as Cron;

  /** Sets the due time of crons to so many seconds ago. */
  const makeDue = async (crons: Cron[], seconds = 0): Promise<void> => {
    await server.database.pool.query(
      `UPDATE crons SET next_run_date = clock_timestamp() - $2 * interval '1 second' WHERE cron_id = ANY($1)`,
      [crons.map(({ cron_id }) => cron_id), seconds],
    );
  };
  const runsOf = async ({ cron_id }: Cron): Promise<Run[]> => {
    const { rows } = await server.database.pool.query<Run>(
      `SELECT run_id, thread_id, status, metadata, kwargs, multitask_strategy FROM runs
       WHERE metadata ->> 'cron_id' = $1 ORDER BY created_at`,
      [cron_id],
    );
    return rows;
  };
  /** Waits for so many runs of a cron to end, and returns them. */
  const ended = (cron: Cron, count = 1): Promise<Run[]> =>
    askUntil(
      () => runsOf(cron),
      (runs) => runs.length >= count && runs.every(({ status }) => status !== 'pending' && status !== 'running'),
    );
  /** Waits until the cron is no longer due, and returns it. */
  const dealtWith = (cron: Cron): Promise<Cron> =>
    askUntil(
      () => get(cron),
      ({ next_run_date }) => Date.parse(next_run_date ?? '9999-01-01') > Date.now() + 60_000,
    );

  it('are created at their due times, one after the other', async () => {
    const cron = await createOnThread('steps', { schedule: '* * * * * *' });
    const [first, second] = await ended(cron, 2);
    await client.crons.delete(cron.cron_id);
    expect([first, second]).toMatchObject([{ thread_id, status: 'success' }, { status: 'success' }]);
    const { created_at } = await client.runs.get(thread_id, second.run_id);
    expect(Date.parse(created_at) % 1000).toBeLessThan(900);
    expect(
      Date.parse(created_at) - Date.parse((await client.runs.get(thread_id, first.run_id)).created_at),
    ).toBeLessThan(1900);
  });

  it('have their lag in a metric', async () => {
    const count = async (): Promise<number> => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return Number(/^nestgraph_cron_lag_seconds_count (\d+)$/m.exec(text)![1]);
    };
    const [before, cron] = [await count(), await create('steps')];
    await makeDue([cron]);
    await askUntil(count, (after) => after === before + 1);
    const answer = await fetch(`${server.url}/metrics?format=json`);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toContainEqual(expect.objectContaining({ name: 'nestgraph_cron_lag_seconds' }));
  });

  it('on a thread share its state', async () => {
    const cron = await createOnThread('steps');
    await makeDue([cron]);
    await ended(cron);
    expect(await dealtWith(cron)).toMatchObject({ enabled: true, next_run_date: cron.next_run_date });
    await makeDue([cron]);
    await ended(cron, 2);
    expect(await client.threads.get(thread_id)).toMatchObject({
      status: 'idle',
      values: { path: [...STEPS.path, ...STEPS.path] },
      metadata: { graph_id: 'steps' },
    });
  });

  it('have a cron_id, unlike other runs of the thread', async () => {
    const { assistant_id } = await client.assistants.create({ graphId: 'settings', metadata: { of: 'assistant' } });
    const cron = await createOnThread(assistant_id, {
      config: { configurable: { voice: 'low' }, tags: ['t'] },
      context: { tone: 'kind' },
      metadata: { of: 'cron', topic: 'news' },
    });
    await makeDue([cron]);
    const [{ run_id, metadata }] = await ended(cron);
    const { cron_id } = cron;
    const { values } = await client.threads.getState<Record<string, unknown>>(thread_id);
    expect(metadata).toEqual({ cron_id, of: 'cron', topic: 'news', graph_id: 'settings', assistant_id });
    expect(values).toMatchObject({
      configurable: { cron_id, voice: 'low', tone: 'kind', run_id },
      context: { tone: 'kind' },
      metadata: { cron_id, of: 'cron', run_id },
      tags: ['t'],
    });
    const later = (await client.runs.wait(thread_id, assistant_id, { input: {} })) as typeof values;
    expect(later).toMatchObject({ configurable: { voice: 'low' }, metadata: { of: 'assistant' } });
    expect(later.configurable).not.toHaveProperty('cron_id');
    expect(later.metadata).not.toHaveProperty('cron_id');
  });

  it('without a thread leave none, unless on_run_completed is "keep"', async () => {
    const [deleted, kept] = [await create('steps'), await create('steps', { on_run_completed: 'keep' })];
    await makeDue([deleted, kept]);
    const [run] = await ended(deleted);
    expect(run).toMatchObject({ status: 'success', kwargs: { temporary: true } });
    const [keptRun] = await ended(kept);
    expect(keptRun.kwargs).toMatchObject({ temporary: false });
    const search = (cron: Cron) => client.threads.search({ metadata: { cron_id: cron.cron_id } });
    expect(await search(deleted)).toEqual([]);
    expect(await search(kept)).toMatchObject([{ thread_id: keptRun.thread_id, values: STEPS, status: 'idle' }]);

    // A run that a client creates on that thread does not belong to the cron.
    const { metadata } = await client.runs.create(keptRun.thread_id, 'steps', { input: {} });
    expect(metadata).not.toHaveProperty('cron_id');
  });

  it('have all settings of their cron', async () => {
    const request = {
      interrupt_before: ['two'],
      interrupt_after: ['three'],
      stream_mode: ['updates', 'custom'],
      stream_resumable: true,
      durability: 'sync',
      multitask_strategy: 'rollback',
    };
    const cron = await createOnThread('steps', { ...request, stream_subgraphs: true, checkpoint_during: true });
    await makeDue([cron]);
    const [run] = await ended(cron);
    expect(run).toMatchObject({
      multitask_strategy: 'rollback',
      kwargs: {
        input: {},
        interrupt_before: ['two'],
        interrupt_after: ['three'],
        stream_mode: ['updates', 'custom'],
        resumable: true,
        subgraphs: true,
        durability: 'sync',
        checkpoint_during: true,
      },
    });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted', values: { path: ['one'] } });
  });

  it('have the settings of an updated cron', async () => {
    const cron = await createOnThread('steps');
    await client.crons.update(cron.cron_id, { interruptBefore: ['three'], metadata: { n: 2 } });
    await makeDue([cron]);
    const [run] = await ended(cron);
    expect(run).toMatchObject({ metadata: { n: 2 }, kwargs: { interrupt_before: ['three'] } });
  });

  it('use the current version of the assistant', async () => {
    const { assistant_id } = await client.assistants.create({ graphId: 'settings', context: { tone: 'kind' } });
    const cron = await createOnThread(assistant_id);
    for (const tone of ['kind', 'stern', 'mild']) {
      await client.assistants.update(assistant_id, { context: { tone } });
      const before = (await runsOf(cron)).length;
      await makeDue([cron]);
      await ended(cron, before + 1);
      expect(await client.threads.getState(thread_id)).toMatchObject({ values: { context: { tone } } });
    }
  });

  describe('with a webhook', () => {
    let receiver: Receiver;

    beforeAll(async () => {
      receiver = await startReceiver();
    });
    afterAll(() => receiver.close());

    it('call it', async () => {
      const cron = await create('steps', { webhook: `${receiver.url}/done`, metadata: { n: 1 } });
      await makeDue([cron]);
      const ofCron = ({ payload }: { payload: Record<string, unknown> }): boolean =>
        (payload.metadata as { cron_id?: string }).cron_id === cron.cron_id;
      const [{ payload }] = await receiver.until(ofCron);
      expect(payload).toMatchObject({ status: 'success', values: STEPS, metadata: { n: 1, cron_id: cron.cron_id } });
    });
  });

  describe('on a busy thread', () => {
    const fireOn = async (multitask_strategy?: string): Promise<Cron> => {
      const cron = await createOnThread('steps', { multitask_strategy });
      await makeDue([cron]);
      return cron;
    };

    it('are enqueued by default', async () => {
      const { gate, run_id } = await startWaiting(client, thread_id);
      const cron = await fireOn();
      await dealtWith(cron);
      expect(await runsOf(cron)).toMatchObject([{ status: 'pending' }]);
      gate.open();
      await ended(cron);
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'success' });
    });

    it('are skipped with "reject", and the cron continues', async () => {
      const { gate, run_id } = await startWaiting(client, thread_id);
      const cron = await fireOn('reject');
      expect(await dealtWith(cron)).toMatchObject({ enabled: true, next_run_date: cron.next_run_date });
      expect(await runsOf(cron)).toEqual([]);
      gate.open();
      await client.runs.join(thread_id, run_id);
      await makeDue([cron]);
      expect(await ended(cron)).toMatchObject([{ status: 'success' }]);
    });

    it('supersede the active run with "interrupt", which keeps its state', async () => {
      const { run_id } = await startWaiting(client, thread_id, { durability: 'exit' });
      const cron = await fireOn('interrupt');
      expect(await ended(cron)).toMatchObject([{ status: 'success' }]);
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
      const history = await client.threads.getHistory(thread_id);
      expect(history.map(({ metadata }) => metadata?.run_id)).toContain(run_id);
    });

    it('supersede an active run that ignores its signal', async () => {
      const { gate, run_id } = await startStubborn(client, thread_id);
      const cron = await fireOn('interrupt');
      expect(await ended(cron)).toMatchObject([{ status: 'success' }]);
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
      gate.open();
    });

    it('remove the active run with "rollback"', async () => {
      const { run_id } = await startWaiting(client, thread_id);
      const cron = await fireOn('rollback');
      expect(await ended(cron)).toMatchObject([{ status: 'success' }]);
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.get(thread_id)).toMatchObject({ values: STEPS });
    });
  });

  it('wait for a locked thread, and no other cron waits with them', async () => {
    const [held, other] = [await createOnThread('steps'), await create('steps')];
    const session = await server.database.pool.connect();
    await session.query('BEGIN');
    await session.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
    await makeDue([held], 60);
    await makeDue([other]);
    await ended(other);
    expect(await runsOf(held)).toEqual([]);
    await session.query('COMMIT');
    session.release();
    await ended(held);
  });

  it('that were missed are replaced by one run', async () => {
    const cron = await create('steps', { schedule: '* * * * *', on_run_completed: 'keep' });
    await makeDue([cron], 3600);
    await ended(cron);
    const { next_run_date, enabled } = await get(cron);
    expect(enabled).toBe(true);
    expect(Date.parse(next_run_date!) - Date.now()).toBeGreaterThan(-1000);
    await client.crons.update(cron.cron_id, { enabled: false });
    expect(await runsOf(cron)).toHaveLength(1);
  });

  it('end with the end of their cron', async () => {
    const cron = await create('steps', { end_time: new Date(Date.now() + 60_000).toISOString() });
    expect(cron.next_run_date).toBeNull();
    await makeDue([cron]);
    await ended(cron);
    expect(await get(cron)).toMatchObject({ enabled: true, next_run_date: null });
  });

  it('are not created when the cron is disabled or deleted before it is due', async () => {
    const [disabled, deleted, other] = [
      await create('steps', { schedule: '* * * * * *' }),
      await create('steps', { schedule: '* * * * * *' }),
      await create('steps'),
    ];
    await client.crons.update(disabled.cron_id, { enabled: false });
    await client.crons.delete(deleted.cron_id);
    const before = [(await runsOf(disabled)).length, (await runsOf(deleted)).length];
    await makeDue([other], -1);
    await ended(other);
    expect([(await runsOf(disabled)).length, (await runsOf(deleted)).length]).toEqual(before);
  });

  it('that can no longer be created disable their cron with a reason, and do not block others', async () => {
    const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
    const doomed = [await create(assistant_id), await createOnThread(assistant_id), await create(assistant_id)];
    const others = [await create('steps'), await createOnThread('steps')];
    await client.assistants.delete(assistant_id);
    await makeDue([...doomed, ...others]);
    await Promise.all(others.map((cron) => ended(cron)));
    for (const cron of doomed) {
      expect(await dealtWith(cron)).toMatchObject({
        enabled: false,
        next_run_date: null,
        disabled_reason: expect.stringContaining(`Assistant not found: ${assistant_id}.`),
      });
      expect(await runsOf(cron)).toEqual([]);
      // The cron cannot be enabled again.
      await expect(client.crons.update(cron.cron_id, { enabled: true })).rejects.toMatchObject({ status: 404 });
    }
    expect(await client.crons.search({ assistantId: assistant_id, enabled: false })).toHaveLength(3);
  });

  it('do not start from a missing checkpoint, and do not block others', async () => {
    const checkpoint_id = '1f000000-0000-6000-8000-00000000aaaa';
    const cron = await createOnThread('steps', { config: { configurable: { checkpoint_id } } });
    const others = await Promise.all([1, 2, 3].map(() => create('steps')));
    await makeDue([cron, ...others]);
    await Promise.all(others.map((other) => ended(other)));
    expect(await dealtWith(cron)).toMatchObject({
      enabled: false,
      disabled_reason: expect.stringContaining(checkpoint_id),
    });
  });
});

describe('a process with one connection', () => {
  const narrow = serverForFile({ env: { NESTGRAPH_DATABASE_POOL_SIZE: '1' } });

  it('fires crons whose assistants it must read from the database', async () => {
    const client = connect(SDKS[0][1], narrow.url);
    const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
    const thread_id = await newThread(client);
    const { cron_id } = (await client.crons.createForThread(thread_id, assistant_id, {
      schedule: YEARLY,
      input: {},
    })) as unknown as Cron;
    await client.assistants.update(assistant_id, { name: 'changed' });
    await narrow.database.pool.query('UPDATE crons SET next_run_date = clock_timestamp() WHERE cron_id = $1', [
      cron_id,
    ]);
    const runs = await askUntil(
      () => client.runs.list(thread_id),
      (found) => found.length > 0,
    );
    expect(runs).toHaveLength(1);
    await client.runs.join(thread_id, runs[0].run_id);
  });
});
