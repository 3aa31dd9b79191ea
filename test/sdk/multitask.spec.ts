import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  dataOf,
  newGate,
  newThread,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const server = serverForFile();

describe.each(SDKS)('several runs on one thread with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const enqueue = async (label: string, payload: object = {}): Promise<string> =>
    (await client.runs.create(thread_id, 'waiting', { input: { label }, ...payload })).run_id;

  const statuses = async (...ids: string[]) =>
    (await Promise.all(ids.map((id) => client.runs.get(thread_id, id)))).map(({ status }) => status);

  const orderOf = ({ values }: { values: unknown }): unknown => (values as { order: string[] }).order;

  describe('that are enqueued', () => {
    it.each([[{}], [{ multitaskStrategy: 'enqueue' }]])(
      'run one after the other in the order of their creation (%j)',
      async (payload) => {
        thread_id = await newThread(client);
        const { gate, run_id } = await startWaiting(client, thread_id);
        const [b, c] = [await enqueue('b', payload), await enqueue('c', payload)];
        expect(await statuses(run_id, b, c)).toEqual(['running', 'pending', 'pending']);
        gate.open();
        await client.runs.join(thread_id, c);
        expect(await statuses(run_id, b, c)).toEqual(['success', 'success', 'success']);
        expect(orderOf(await client.threads.getState(thread_id))).toEqual(
          ['a', 'b', 'c'].flatMap((label) => [`${label}:start`, `${label}:end`]),
        );
      },
    );

    it('keep their thread busy until the last one has ended', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const second = newGate();
      const b = await enqueue('b', { input: { label: 'b', gate: second.path } });
      gate.open();
      await client.runs.join(thread_id, run_id);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
      second.open();
      await client.runs.join(thread_id, b);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('never run concurrently, however fast they are created', async () => {
      thread_id = await newThread(client);
      const labels = Array.from({ length: 12 }, (_unused, i) => String(i));
      const ids = await Promise.all(labels.map((label) => enqueue(label)));
      await Promise.all(ids.map((id) => client.runs.join(thread_id, id)));
      const order = orderOf(await client.threads.getState(thread_id)) as string[];
      const starts = order.filter((_entry, i) => i % 2 === 0).map((entry) => entry.split(':')[0]);
      expect(order).toEqual(starts.flatMap((label) => [`${label}:start`, `${label}:end`]));
      expect([...starts].sort()).toEqual([...labels].sort());
    });

    it('stream once they start', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const streamed = collect(
        client.runs.stream(thread_id, 'waiting', {
          input: { label: 'b' },
          streamMode: 'updates',
          onRunCreated: () => gate.open(),
        }),
      );
      expect(dataOf(await streamed, 'updates')).toEqual([
        { start: { order: ['b:start'] } },
        { wait: { order: ['b:end'] } },
      ]);
    });

    it('run after a run that failed', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id: failing } = await client.runs.create(thread_id, 'failing', { input: {} });
      const last = await enqueue('c');
      gate.open();
      await client.runs.join(thread_id, last);
      expect(await statuses(failing, last)).toEqual(['error', 'success']);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', error: null });
    });

    it('run after a run that stopped at an interrupt', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      await client.runs.create(thread_id, 'ask', { input: { question: 'why?' } });
      const last = await enqueue('c');
      gate.open();
      expect(await client.runs.join(thread_id, last)).toMatchObject({
        order: ['a:start', 'a:end', 'c:start', 'c:end'],
      });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('write their graph and their config to the thread when they start, not before', async () => {
      thread_id = await newThread(client);
      const configOf = (key: string) => ({ config: { configurable: { [key]: key } } });
      const { gate, run_id } = await startWaiting(client, thread_id, configOf('a'));
      const second = newGate();
      const b = await enqueue('b', { input: { label: 'b', gate: second.path }, ...configOf('b') });
      const c = (await client.runs.create(thread_id, 'steps', { input: {}, ...configOf('c') })).run_id;
      const thread = () => client.threads.get(thread_id) as Promise<{ config?: unknown; metadata: object }>;
      expect(await thread()).toMatchObject({ metadata: { graph_id: 'waiting' }, config: { configurable: { a: 'a' } } });
      expect((await thread()).config).not.toMatchObject({ configurable: { b: 'b' } });
      gate.open();
      await client.runs.join(thread_id, run_id);
      await askUntil(
        () => client.runs.get(thread_id, b),
        ({ status }) => status === 'running',
      );
      await askUntil(thread, ({ config }) => JSON.stringify(config).includes('"b"'));
      expect(await thread()).toMatchObject({ metadata: { graph_id: 'waiting' } });
      second.open();
      expect(await client.runs.join(thread_id, c)).toMatchObject({ path: ['one', 'two', 'three'] });
      expect(await thread()).toMatchObject({
        metadata: { graph_id: 'steps' },
        config: { configurable: { a: 'a', b: 'b', c: 'c' } },
      });
      expect(await client.runs.get(thread_id, c)).toMatchObject({
        kwargs: { config: { configurable: { a: 'a', b: 'b', c: 'c' } } },
      });
      expect(await client.threads.getState(thread_id)).toMatchObject({ values: { path: ['one', 'two', 'three'] } });
    });

    it('wait only for runs on their own thread', async () => {
      const other = await newThread(client);
      const { gate, run_id } = await startWaiting(client, other);
      thread_id = await newThread(client);
      await client.runs.join(thread_id, await enqueue('b'));
      expect(await client.runs.get(other, run_id)).toMatchObject({ status: 'running' });
      gate.open();
      await client.runs.join(other, run_id);
    });
  });

  describe('that are to be rejected', () => {
    const payload = { input: { label: 'b' }, multitaskStrategy: 'reject' as const };
    const busy = refusal(409, 'thread_busy');

    it('are rejected while another run is active, and leave no trace', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      await expect(client.runs.create(thread_id, 'waiting', payload)).rejects.toMatchObject(busy);
      await expect(client.runs.wait(thread_id, 'waiting', payload)).rejects.toMatchObject(busy);
      await expect(collect(client.runs.stream(thread_id, 'waiting', payload))).rejects.toMatchObject(busy);
      expect(await client.runs.list(thread_id)).toHaveLength(1);
      gate.open();
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ order: ['a:start', 'a:end'] });
    });

    it('run when the thread is idle', async () => {
      thread_id = await newThread(client);
      expect(await client.runs.wait(thread_id, 'waiting', payload)).toMatchObject({ order: ['b:start', 'b:end'] });
      expect(await client.runs.wait(thread_id, 'waiting', payload)).toMatchObject({ label: 'b' });
    });
  });
});
