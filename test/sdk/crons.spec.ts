import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemAssistantId } from '../../src/common/index.js';
import { sendJson } from '../support/http.js';
import {
  addingClient,
  type Client,
  connect,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)$/;
/** Once a year: never while the tests run. */
const YEARLY = '0 0 1 1 *';
const ECHO = systemAssistantId('echo');
const HOUR = 3_600_000;

type Cron = Awaited<ReturnType<Client['crons']['search']>>[number];
type Payload = NonNullable<Parameters<Client['crons']['create']>[1]>;

const server = serverForFile();

describe.each(SDKS)('crons with SDK %s', (_, Client) => {
  let client: Client;
  /** Marks the crons of one test. */
  let mark: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });
  beforeEach(() => {
    mark = randomUUID();
  });

  const payload = (fields: Partial<Payload> = {}): Payload => ({
    schedule: YEARLY,
    input: { messages: [] },
    ...fields,
    metadata: { mark, ...fields.metadata },
  });
  /** The annotation says Run; what comes is a Cron (contract 7.28). */
  const create = async (fields: Partial<Payload> = {}, assistant = 'echo'): Promise<Cron> =>
    (await client.crons.create(assistant, payload(fields))) as unknown as Cron;
  const createOn = async (thread_id: string, fields: Partial<Payload> = {}): Promise<Cron> =>
    (await client.crons.createForThread(thread_id, 'echo', payload(fields))) as unknown as Cron;
  /** With fields that this version of the SDK does not send. */
  const createWith = async (fields: object): Promise<Cron> =>
    (await addingClient(Client, server.url, fields).crons.create('echo', payload())) as unknown as Cron;
  const updateWith = async (cron_id: string, fields: object): Promise<Cron> =>
    await addingClient(Client, server.url, fields).crons.update(cron_id, {});
  const found = (query: object = {}): Promise<Cron[]> =>
    addingClient(Client, server.url, { metadata: { mark }, ...query }).crons.search();
  const get = async (cron_id: string): Promise<Cron> =>
    (await (await fetch(`${server.url}/runs/crons/${cron_id}`)).json()) as Cron;

  describe('created', () => {
    it('have the fields of the contract, and defaults for omitted ones', async () => {
      const cron = await create();
      expect(cron).toEqual({
        cron_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        assistant_id: ECHO,
        thread_id: null,
        on_run_completed: 'delete',
        end_time: null,
        schedule: YEARLY,
        timezone: null,
        created_at: expect.stringMatching(TIMESTAMP),
        updated_at: expect.stringMatching(TIMESTAMP),
        payload: { assistant_id: ECHO, input: { messages: [] } },
        user_id: null,
        next_run_date: `${new Date().getUTCFullYear() + 1}-01-01T00:00:00.000Z`,
        metadata: { mark },
        enabled: true,
      });
      expect(await get(cron.cron_id)).toEqual(cron);
    });

    it('keep all given fields', async () => {
      const request = {
        config: { tags: ['a'], configurable: { voice: 'low' } },
        context: { tone: 'kind' },
        webhook: 'https://example.com/done',
        interrupt_before: ['reply'],
        interrupt_after: '*',
        multitask_strategy: 'rollback',
        checkpoint_during: false,
        durability: 'sync',
        stream_mode: ['values', 'updates'],
        stream_subgraphs: true,
        stream_resumable: true,
      };
      const end_time = '2091-12-31T23:59:59.000Z';
      const timing = { schedule: '0 5 * * MON', timezone: 'Asia/Kolkata', end_time, on_run_completed: 'keep' };
      const cron = await createWith({ ...request, ...timing });
      expect(cron).toMatchObject({ ...timing, payload: request });
      expect(cron.payload).toEqual({ ...request, input: { messages: [] }, assistant_id: ECHO });
      expect(cron.next_run_date).toMatch(/T23:30:00.000Z$/);
    });

    it('on a thread belong to it, and are deleted with it', async () => {
      const thread_id = await newThread(client);
      const cron = await createOn(thread_id);
      expect(cron).toMatchObject({ thread_id, on_run_completed: null, assistant_id: ECHO });
      expect(await found({ thread_id })).toEqual([cron]);
      await client.threads.delete(thread_id);
      expect(await found()).toEqual([]);
      expect((await fetch(`${server.url}/runs/crons/${cron.cron_id}`)).status).toBe(404);
    });

    it('accept the id of an assistant or the name of a graph', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
      expect(await create({}, assistant_id)).toMatchObject({ assistant_id });
      expect(await create({}, 'steps')).toMatchObject({ assistant_id: systemAssistantId('steps') });
    });

    it('disabled are never due', async () => {
      expect(await create({ enabled: false })).toMatchObject({ enabled: false, next_run_date: null });
    });

    it('with an end before their first due time are never due', async () => {
      const end_time = new Date(Date.now() + HOUR).toISOString();
      expect(await createWith({ end_time })).toMatchObject({ enabled: true, end_time, next_run_date: null });
    });

    it.each([
      ['2090-05-06T07:08:09.123456+02:00', '2090-05-06T05:08:09.123Z'],
      ['2090-05-06T07:08:09', '2090-05-06T07:08:09.000Z'],
      ['2090-05-06', '2090-05-06T00:00:00.000Z'],
    ])('accept the end %s', async (end_time, shown) => {
      expect(await createWith({ end_time })).toMatchObject({ end_time: shown });
    });

    it('keep strings that PostgreSQL cannot store in jsonb', async () => {
      const input = { text: 'nul \0, half a pair \ud800' };
      expect((await createWith({ input })).payload).toMatchObject({
        input: { text: expect.stringContaining('nul \0') },
      });
    });

    it('are refused for a missing thread or assistant', async () => {
      await expect(createOn(randomUUID())).rejects.toMatchObject(refusal(404, 'thread_not_found'));
      await expect(create({}, randomUUID())).rejects.toMatchObject(refusal(404, 'assistant_not_found'));
      await expect(create({}, 'nobody')).rejects.toMatchObject(refusal(404, 'assistant_not_found'));
      expect(await found()).toEqual([]);
    });

    it.each([
      [{ schedule: 'every day' }, 'schedule', /five fields.*"0 9 \* \* 1-5"|"0 9 \* \* 1-5".*five fields/],
      [{ schedule: '60 * * * *' }, 'schedule', /60/],
      [{ schedule: '0 0 30 2 *' }, 'schedule', /never occurs.*for example/],
      [{ schedule: '2030-01-01T00:00:00' }, 'schedule', /five fields/],
      [{ schedule: '0 0 1 1 * 2030 1' }, 'schedule', /five fields/],
      [{ schedule: null }, 'schedule', /string/],
      [{ timezone: 'Mars/Phobos' }, 'timezone', /unknown time zone "Mars\/Phobos".*Europe\/Berlin/],
      [{ timezone: '+02:00' }, 'timezone', /IANA/],
      [{ end_time: 'tomorrow' }, 'end_time', /ISO 8601/],
      [{ end_time: '2090-13-01T00:00:00Z' }, 'end_time', /ISO 8601/],
      [{ end_time: '2020-01-01T00:00:00Z' }, 'end_time', /is in the past.*null for no end/],
      [{ end_time: '2020-01-01', enabled: false }, 'end_time', /is in the past/],
      [{ on_run_completed: 'frame' }, 'on_run_completed', /delete, keep/],
      [{ multitask_strategy: 'juggle' }, 'multitask_strategy', /enqueue/],
      [{ webhook: 'ftp://example.com' }, 'webhook', /http/],
      [{ webhook: 'http://10.0.0.1:1' }, 'webhook', /not a public address/],
      [{ stream_mode: ['everything'] }, 'stream_mode', /values/],
      [{ interrupt_before: 5 }, 'interrupt_before', /node names/],
      [{ config: { recursion_limit: 0 } }, 'config.recursion_limit', /1/],
      [{ durability: 'never' }, 'durability', /sync/],
      [{ enabled: 'yes' }, 'enabled', /boolean/],
    ])('are refused with %j, and the error names the field', async (fields, path, message) => {
      const error = await createWith(fields).catch((thrown: unknown) => thrown as { status: number; text: string });
      expect(error).toMatchObject({ status: 422 });
      const { errors } = JSON.parse((error as { text: string }).text) as {
        errors: { path: string; message: string }[];
      };
      expect(errors[0]).toEqual({ path, message: expect.stringMatching(message) });
      expect(await found()).toEqual([]);
    });
  });

  it('limit the size of their run settings', async () => {
    const input = 'x'.repeat(1_000_000);
    await expect(createWith({ input })).rejects.toMatchObject(refusal(422, 'validation_failed'));
    const { cron_id, updated_at } = await createWith({ input: input.slice(1000) });
    await expect(updateWith(cron_id, { context: { input } })).rejects.toMatchObject(refusal(422, 'validation_failed'));
    expect(await get(cron_id)).toMatchObject({ updated_at });
  });

  describe('are updated:', () => {
    it('given fields are replaced, omitted ones keep their values', async () => {
      const { cron_id, ...before } = await create({ config: { tags: ['old'] }, context: { tone: 'kind' } });
      const updated = await client.crons.update(cron_id, {
        config: { tags: ['new'] },
        webhook: 'https://example.com/done',
        interruptBefore: ['reply'],
        onRunCompleted: 'keep',
        input: { messages: ['x'] },
      });
      expect(updated).toEqual({
        ...before,
        cron_id,
        on_run_completed: 'keep',
        updated_at: expect.stringMatching(TIMESTAMP),
        payload: {
          assistant_id: ECHO,
          input: { messages: ['x'] },
          config: { tags: ['new'] },
          context: { tone: 'kind' },
          webhook: 'https://example.com/done',
          interrupt_before: ['reply'],
        },
      });
      expect(Date.parse(updated.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
    });

    it('metadata is merged', async () => {
      const { cron_id } = await create({ metadata: { a: 1, b: 1 } });
      expect(await client.crons.update(cron_id, { metadata: { b: 2 } })).toMatchObject({
        metadata: { mark, a: 1, b: 2 },
      });
    });

    it('a change of schedule or time zone sets a new due time', async () => {
      const { cron_id } = await create({ schedule: '30 6 2 1 *' });
      const year = new Date().getUTCFullYear() + 1;
      expect(await updateWith(cron_id, { timezone: 'America/New_York' })).toMatchObject({
        timezone: 'America/New_York',
        next_run_date: `${year}-01-02T11:30:00.000Z`,
      });
      expect(await client.crons.update(cron_id, { schedule: '0 12 2 1 *' })).toMatchObject({
        schedule: '0 12 2 1 *',
        next_run_date: `${year}-01-02T17:00:00.000Z`,
      });
    });

    it('an update with unchanged values does not skip a due time', async () => {
      const { cron_id } = await create({ enabled: true });
      const soon = new Date(Date.now() + HOUR);
      await server.database.pool.query('UPDATE crons SET next_run_date = $2 WHERE cron_id = $1', [cron_id, soon]);
      expect(await client.crons.update(cron_id, { schedule: YEARLY, enabled: true })).toMatchObject({
        next_run_date: soon.toISOString(),
      });
    });

    it('an end is set, kept when it is omitted, and removed by null', async () => {
      const { cron_id, next_run_date } = await create();
      const end_time = new Date(Date.now() + HOUR).toISOString();
      expect(await client.crons.update(cron_id, { endTime: end_time })).toMatchObject({
        end_time,
        next_run_date: null,
      });
      expect(await client.crons.update(cron_id, { metadata: {} })).toMatchObject({ end_time, next_run_date: null });
      expect(await client.crons.update(cron_id, { endTime: null })).toMatchObject({ end_time: null, next_run_date });
    });

    it('a cron whose end has passed accepts other changes, but is due again only with another end', async () => {
      const { cron_id, next_run_date } = await create();
      const past = `UPDATE crons SET end_time = '2020-01-01', next_run_date = NULL WHERE cron_id = $1`;
      await server.database.pool.query(past, [cron_id]);
      const refused = refusal(422, 'validation_failed');
      await expect(client.crons.update(cron_id, { schedule: '0 0 2 1 *' })).rejects.toMatchObject(refused);
      expect(await client.crons.update(cron_id, { metadata: { x: 1 } })).toMatchObject({ next_run_date: null });
      expect(await client.crons.update(cron_id, { enabled: false })).toMatchObject({ enabled: false });
      await expect(client.crons.update(cron_id, { enabled: true })).rejects.toMatchObject(refused);
      expect(await client.crons.update(cron_id, { enabled: true, endTime: null })).toMatchObject({ next_run_date });
    });

    it('a disabled cron is never due, and continues once it is enabled', async () => {
      const { cron_id, next_run_date } = await create();
      expect(await client.crons.update(cron_id, { enabled: false })).toMatchObject({
        enabled: false,
        next_run_date: null,
      });
      expect(await client.crons.update(cron_id, { metadata: {} })).toMatchObject({
        enabled: false,
        next_run_date: null,
      });
      expect(await client.crons.update(cron_id, { enabled: true })).toMatchObject({ enabled: true, next_run_date });
    });

    it.each([
      [{ schedule: 'never' }, 422, 'validation_failed'],
      [{ timezone: 'Nowhere' }, 422, 'validation_failed'],
      [{ end_time: 'soon' }, 422, 'validation_failed'],
      [{ end_time: '2020-01-01T00:00:00Z' }, 422, 'validation_failed'],
      [{ end_time: '2020-01-01T00:00:00Z', enabled: false }, 422, 'validation_failed'],
      [{ webhook: 'http://10.0.0.1:1' }, 422, 'webhook_refused'],
    ])('%j is refused and changes nothing', async (fields, status, code) => {
      const cron = await create();
      await expect(updateWith(cron.cron_id, { metadata: { x: 1 }, ...fields })).rejects.toMatchObject(
        refusal(status, code),
      );
      expect(await get(cron.cron_id)).toEqual(cron);
    });

    it('a missing cron is not found', async () => {
      await expect(client.crons.update(randomUUID(), {})).rejects.toMatchObject(refusal(404, 'cron_not_found'));
      await expect(client.crons.update('x', {})).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });
  });

  it('are deleted once', async () => {
    const { cron_id } = await create();
    await client.crons.delete(cron_id);
    expect(await found()).toEqual([]);
    await expect(client.crons.delete(cron_id)).rejects.toMatchObject(refusal(404, 'cron_not_found'));
  });

  describe('are searched', () => {
    it('by assistant, thread, enabled and metadata', async () => {
      const thread_id = await newThread(client);
      const one = await create({ metadata: { n: 1 } });
      const two = await create({ metadata: { n: 2 }, enabled: false }, 'steps');
      const three = await createOn(thread_id);
      const ids = async (query: object): Promise<string[]> => (await found(query)).map(({ cron_id }) => cron_id).sort();
      const sorted = (...crons: Cron[]): string[] => crons.map(({ cron_id }) => cron_id).sort();

      expect(await ids({})).toEqual(sorted(one, two, three));
      expect(await ids({ assistant_id: ECHO })).toEqual(sorted(one, three));
      expect(await ids({ assistant_id: 'echo' })).toEqual(sorted(one, three));
      expect(await ids({ assistant_id: 'nobody' })).toEqual([]);
      expect(await ids({ thread_id })).toEqual(sorted(three));
      expect(await ids({ enabled: true })).toEqual(sorted(one, three));
      expect(await ids({ enabled: false })).toEqual(sorted(two));
      expect(await ids({ metadata: { mark, n: 2 } })).toEqual(sorted(two));
    });

    it('page by page, with the total number', async () => {
      const created: string[] = [];
      for (let n = 0; n < 5; n += 1) {
        created.unshift((await create()).cron_id);
      }
      const { client: recording, responses } = recordingClient(Client, server.url);
      const thread_id = await newThread(client);
      for (let n = 0; n < 3; n += 1) {
        await createOn(thread_id);
      }
      const page = await recording.crons.search({ threadId: thread_id, limit: 2, offset: 0 });
      expect(page).toHaveLength(2);
      expect(responses[0].headers.get('x-pagination-total')).toBe('3');
      expect(responses[0].headers.get('x-pagination-next')).toBe('2');
      await recording.crons.search({ threadId: thread_id, limit: 2, offset: 2 });
      expect(responses[1].headers.get('x-pagination-next')).toBeNull();
      // The newest come first.
      const marked = (await found({ limit: 100 })).filter((cron) => cron.thread_id === null);
      expect(marked.map(({ cron_id }) => cron_id)).toEqual(created);
    });

    it.each(['cron_id', 'assistant_id', 'thread_id', 'created_at', 'updated_at', 'next_run_date', 'end_time'] as const)(
      'in the order of %s, both ways',
      async (sort_by) => {
        const threads = [await newThread(client), await newThread(client)];
        await createWith({ schedule: '0 0 1 3 *', end_time: '2093-01-01' });
        await create({ schedule: '0 0 1 2 *' }, 'steps');
        await createOn(threads[0], { schedule: '0 0 1 6 *' });
        await createOn(threads[1], { enabled: false });
        const value = (cron: Cron): string => String(cron[sort_by] ?? '');
        const descending = await found({ sort_by, sort_order: 'desc' });
        expect(descending).toHaveLength(4);
        expect(descending.map(value)).toEqual(descending.map(value).sort().reverse());
        expect((await found({ sort_by, sort_order: 'asc' })).map(({ cron_id }) => cron_id)).toEqual(
          descending.map(({ cron_id }) => cron_id).reverse(),
        );
      },
    );

    it('and return only the selected fields', async () => {
      const { cron_id, next_run_date } = await create();
      expect(await found({ select: ['next_run_date', 'cron_id'] })).toEqual([{ cron_id, next_run_date }]);
      const [{ now }] = (await found({ select: ['now'] })) as unknown as { now: string }[];
      expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000);
    });

    it.each([{ select: ['secret'] }, { sort_by: 'payload' }, { limit: 0 }, { thread_id: 'x' }])(
      'and %j is refused',
      async (query) => {
        await expect(found(query)).rejects.toMatchObject(refusal(422, 'validation_failed'));
      },
    );
  });

  it('are counted', async () => {
    const thread_id = await newThread(client);
    await createOn(thread_id);
    await createOn(thread_id);
    const { assistant_id } = await client.assistants.create({ graphId: 'echo' });
    await create({}, assistant_id);
    expect(await client.crons.count({ threadId: thread_id })).toBe(2);
    expect(await client.crons.count({ assistantId: assistant_id })).toBe(1);
    expect(await client.crons.count({ assistantId: assistant_id, threadId: thread_id })).toBe(0);
    const counted = await sendJson(`${server.url}/runs/crons/count`, { metadata: { mark } });
    expect(counted.json).toBe(3);
  });
});

it('the server information lists crons', async () => {
  const info = (await (await fetch(`${server.url}/info`)).json()) as { flags: Record<string, boolean> };
  expect(info.flags.crons).toBe(true);
});
