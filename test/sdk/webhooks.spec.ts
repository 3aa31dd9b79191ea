import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import {
  addingClient,
  type Client,
  collect,
  connect,
  newThread,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const STEPS = ['one', 'two', 'three'];

const server = serverForFile({ env: { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true' } });
const strict = serverForFile({ command: 'start' });

describe.each(SDKS)('webhooks with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;
  let receiver: Receiver;
  let answer: (request: Received) => void;

  beforeAll(async () => {
    receiver = await startReceiver((request) => answer(request));
  });
  beforeEach(async () => {
    client = connect(Client, server.url);
    thread_id = await newThread(client);
    answer = ({ response }) => response.end();
  });
  afterAll(() => receiver.close());

  /** An address that no other test uses, and what arrives there. */
  const newHook = () => {
    const path = `/${randomUUID()}`;
    const matches = (request: Received): boolean => request.path === path;
    return {
      webhook: receiver.url + path,
      received: () => receiver.received.filter(matches),
      /** The payload of the first request, or of the last of several. */
      payload: async (count = 1) => (await receiver.until(matches, count))[count - 1].payload,
      requests: (count: number) => receiver.until(matches, count),
    };
  };

  describe('on a thread', () => {
    it('contain the complete ended run and its state', async () => {
      const hook = newHook();
      const { run_id } = await client.runs.create(thread_id, 'steps', {
        input: {},
        metadata: { purpose: 'test' },
        webhook: hook.webhook,
      });
      const { run_started_at, run_ended_at, webhook_sent_at, values, ...run } = await hook.payload();
      expect(run).toEqual(await client.runs.get(thread_id, run_id));
      expect(run).toMatchObject({ run_id, thread_id, status: 'success', kwargs: { webhook: hook.webhook } });
      expect(values).toEqual({ path: STEPS });
      const moments = [run.created_at, run_started_at, run_ended_at, webhook_sent_at];
      moments.forEach((moment) => expect(moment).toMatch(MOMENT));
      expect(moments).toEqual([...moments].sort());
      const [{ method, headers }] = hook.received();
      expect(method).toBe('POST');
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^nestgraph\/\d/),
        'webhook-id': run_id,
      });
      expect(headers).not.toHaveProperty('webhook-signature');
    });

    it('are also sent for streamed and awaited runs', async () => {
      const [streamed, awaited] = [newHook(), newHook()];
      await collect(client.runs.stream(thread_id, 'steps', { input: {}, webhook: streamed.webhook }));
      await client.runs.wait(thread_id, 'steps', { input: {}, webhook: awaited.webhook });
      expect(await streamed.payload()).toMatchObject({ status: 'success', values: { path: STEPS } });
      expect(await awaited.payload()).toMatchObject({ status: 'success', values: { path: [...STEPS, ...STEPS] } });
    });

    it('contain the error of a failed run, and the state it reached', async () => {
      const hook = newHook();
      await client.runs.wait(thread_id, 'failing', { input: {}, webhook: hook.webhook, raiseError: false });
      expect(await hook.payload()).toMatchObject({
        status: 'error',
        error: { error: 'CoffeeError', message: 'out of beans' },
        values: { started: true },
      });
    });

    it('report success for a run that stops at an interrupt', async () => {
      const hook = newHook();
      await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' }, webhook: hook.webhook });
      const payload = await hook.payload();
      expect(payload).toMatchObject({ status: 'success', values: { question: 'why?' } });
      expect(payload).not.toHaveProperty('error');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });
    });

    it('are sent for a run that is cancelled while it runs', async () => {
      const hook = newHook();
      const { run_id } = await startWaiting(client, thread_id, { webhook: hook.webhook });
      expect(hook.received()).toEqual([]);
      await client.runs.cancel(thread_id, run_id, true);
      expect(await hook.payload()).toMatchObject({
        run_id,
        status: 'interrupted',
        values: { order: ['a:start'] },
        run_started_at: expect.stringMatching(MOMENT),
      });
    });

    it('are sent for a run that is cancelled before it starts', async () => {
      const hook = newHook();
      const { gate, run_id: first } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, webhook: hook.webhook });
      await client.runs.cancel(thread_id, run_id, true);
      expect(await hook.payload()).toMatchObject({ run_id, status: 'interrupted', values: {}, run_started_at: null });
      gate.open();
      await client.runs.join(thread_id, first);
    });

    it('contain the state of a replaced run, not that of the run that replaced it', async () => {
      const hook = newHook();
      const payload = { webhook: hook.webhook };
      const { run_id } = await startWaiting(client, thread_id, payload);
      const input = { label: 'b', gate: '' };
      await client.runs.wait(thread_id, 'waiting', { input, multitaskStrategy: 'interrupt' });
      expect(await hook.payload()).toMatchObject({ run_id, status: 'interrupted' });
      expect((await hook.payload()).values).toMatchObject({ label: 'a', order: ['a:start'] });
    });

    it('contain the values of a replaced run, also with durability exit', async () => {
      const hook = newHook();
      await startWaiting(client, thread_id, { webhook: hook.webhook, durability: 'exit' as const });
      const input = { label: 'b', gate: '' };
      await client.runs.wait(thread_id, 'waiting', { input, multitaskStrategy: 'interrupt' });
      expect((await hook.payload()).values).toMatchObject({ label: 'a', order: ['a:start'] });
    });

    it('are not sent for a run that is rolled back', async () => {
      const [rolledBack, other] = [newHook(), newHook()];
      await startWaiting(client, thread_id, { webhook: rolledBack.webhook });
      await client.runs.wait(thread_id, 'steps', {
        input: {},
        webhook: other.webhook,
        multitaskStrategy: 'rollback',
      });
      await other.payload();
      expect(rolledBack.received()).toEqual([]);
    });

    it('are sent even if the thread has been deleted since', async () => {
      const hook = newHook();
      answer = ({ response }) => response.writeHead(hook.received().length === 1 ? 503 : 200).end();
      await client.runs.wait(thread_id, 'steps', { input: {}, webhook: hook.webhook });
      await hook.requests(1);
      await client.threads.delete(thread_id);
      expect(await hook.payload(2)).toMatchObject({ thread_id, values: { path: STEPS } });
    });
  });

  describe('without a thread', () => {
    it('contain the state of the run', async () => {
      const [created, awaited, streamed] = [newHook(), newHook(), newHook()];
      const { run_id } = await client.runs.create(null, 'steps', { input: {}, webhook: created.webhook });
      await client.runs.wait(null, 'steps', { input: {}, webhook: awaited.webhook });
      await collect(client.runs.stream(null, 'steps', { input: {}, webhook: streamed.webhook }));
      for (const hook of [created, awaited, streamed]) {
        expect(await hook.payload()).toMatchObject({ status: 'success', values: { path: STEPS } });
      }
      expect(await created.payload()).toMatchObject({ run_id, kwargs: { temporary: true } });
    });

    it('contain the error of the run', async () => {
      const hook = newHook();
      await client.runs.wait(null, 'failing', { input: {}, webhook: hook.webhook, raiseError: false });
      expect(await hook.payload()).toMatchObject({
        status: 'error',
        error: { error: 'CoffeeError', message: 'out of beans' },
        values: { started: true },
      });
    });

    it('are sent for each run of a batch', async () => {
      const [first, second] = [newHook(), newHook()];
      const runs = await client.runs.createBatch([
        { assistantId: 'steps', input: {}, webhook: first.webhook },
        { assistantId: 'steps', input: {}, webhook: second.webhook },
      ]);
      expect((await first.payload()).run_id).toBe(runs[0].run_id);
      expect((await second.payload()).run_id).toBe(runs[1].run_id);
    });
  });

  describe('when the receiver', () => {
    it('fails, are sent again with the same id', async () => {
      const hook = newHook();
      answer = ({ response }) => response.writeHead(hook.received().length === 1 ? 500 : 200).end();
      await client.runs.wait(thread_id, 'steps', { input: {}, webhook: hook.webhook });
      const [first, second] = await hook.requests(2);
      expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
      const { webhook_sent_at: firstSent, ...said } = first.payload;
      const { webhook_sent_at: secondSent, ...saidAgain } = second.payload;
      expect(saidAgain).toEqual(said);
      expect(String(secondSent) > String(firstSent)).toBe(true);
    });

    it('does not respond, runs continue and other receivers get their webhooks', async () => {
      const dead = await startReceiver(() => undefined);
      const webhook = `${dead.url}/`;
      for (let n = 0; n < 6; n += 1) {
        const values = await client.runs.wait(null, 'steps', { input: {}, webhook });
        expect(values).toEqual({ path: STEPS });
      }
      await dead.until(() => true);
      const hook = newHook();
      await client.runs.wait(thread_id, 'steps', { input: {}, webhook: hook.webhook });
      expect(await hook.payload()).toMatchObject({ status: 'success' });
      expect(dead.received.length).toBeLessThanOrEqual(4);
      await dead.close();
    });

    it('is unavailable, runs are not affected', async () => {
      const gone = await startReceiver();
      await gone.close();
      expect(await client.runs.wait(thread_id, 'steps', { input: {}, webhook: gone.url })).toEqual({ path: STEPS });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });
  });

  it('with a path call this server itself', async () => {
    const other = await newThread(client);
    // The payload is a fine request for a run, too.
    await client.runs.wait(thread_id, 'steps', { input: {}, webhook: `/threads/${other}/runs` });
    const [run] = await askUntil(
      () => client.runs.list(other),
      (runs) => runs.length > 0,
    );
    await client.runs.join(other, run.run_id);
  });

  describe('are refused', () => {
    const ways = (client: Client, thread: string | null, webhook: string) => {
      const payload = { input: {}, webhook };
      return [
        () => client.runs.create(thread, 'steps', payload),
        () => client.runs.wait(thread as string, 'steps', payload),
        () => collect(client.runs.stream(thread as string, 'steps', payload)),
      ];
    };

    it.each(['nonsense', 'ftp://example.com/', '//example.com/', 'https://exa mple.com/'])(
      'when they are not valid addresses: %s',
      async (webhook) => {
        for (const start of [...ways(client, thread_id, webhook), ...ways(client, null, webhook)]) {
          await expect(start()).rejects.toMatchObject(refusal(422, 'validation_failed'));
        }
        await expect(client.runs.createBatch([{ assistantId: 'steps', webhook }])).rejects.toThrow(/\[0\]\.webhook/);
        expect(await client.runs.list(thread_id)).toEqual([]);
      },
    );

    it('when they are not strings', async () => {
      const adding = addingClient(Client, server.url, { webhook: { url: 'https://example.com' } });
      await expect(adding.runs.create(thread_id, 'steps')).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });

    it.each([
      'http://127.0.0.1:9/',
      'http://[::1]/',
      'http://0x7f000001/',
      'http://10.0.0.1/',
      'http://169.254.169.254/latest/meta-data/',
      'http://[::ffff:169.254.169.254]/',
    ])('when the address is not public: %s', async (webhook) => {
      const strictClient = connect(Client, strict.url);
      const thread = await newThread(strictClient);
      for (const start of [...ways(strictClient, thread, webhook), ...ways(strictClient, null, webhook)]) {
        await expect(start()).rejects.toMatchObject(refusal(422, 'webhook_refused'));
      }
      await expect(strictClient.runs.create(thread, 'steps', { webhook })).rejects.toThrow(
        /webhook: \S+ is not a public address \(set NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=true/,
      );
      expect(await strictClient.runs.list(thread)).toEqual([]);
    });
  });

  it('that are null are ignored', async () => {
    const adding = addingClient(Client, server.url, { webhook: null });
    const run = await adding.runs.create(thread_id, 'steps', { input: {} });
    expect(run).toMatchObject({ kwargs: { input: {} } });
    expect(run).not.toHaveProperty('kwargs.webhook');
  });
});
