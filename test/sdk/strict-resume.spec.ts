import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { send } from '../support/http.js';
import {
  addingClient,
  type Client,
  collect,
  connect,
  newThread,
  refusal,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

type Payload = NonNullable<Parameters<Client['runs']['wait']>[2]>;

const UNKNOWN = 'f'.repeat(32);

const server = serverForFile();

describe.each(SDKS)('a strict resume, with SDK %s', (_, Client) => {
  let client: Client;
  let strict: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
    strict = addingClient(Client, server.url, { strict_resume: true });
  });
  beforeEach(async () => {
    thread_id = await newThread(client);
  });

  /** Sorted by the values of the interrupts. */
  const pendingIds = async (): Promise<string[]> => {
    const open = Object.values((await client.threads.get(thread_id)).interrupts).flat();
    return open.sort((a, b) => String(a.value).localeCompare(String(b.value))).map(({ id }) => id!);
  };

  const resume = (graph: string, answer: unknown, payload: Payload = {}): Promise<unknown> =>
    strict.runs.wait(thread_id, graph, { command: { resume: answer }, raiseError: false, ...payload });

  /** Everything that the API returns for the thread, except the time of its last change. */
  const everything = async (): Promise<object> => {
    const { updated_at: _updated, ...thread } = await client.threads.get(thread_id);
    return { thread, history: await client.threads.getHistory(thread_id) };
  };

  const refused = (reason: string, pending_ids: string[], interrupt_ids: string[] = []): object => ({
    __error__: {
      error: 'UnknownInterruptError',
      message: expect.any(String),
      reason,
      interrupt_ids,
      pending_ids: [...pending_ids].sort(),
    },
  });

  it('resumes a pending interrupt, with or without its id', async () => {
    for (const named of [true, false]) {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' } });
      const [id] = await pendingIds();
      expect(await resume('ask', named ? { [id]: 'so' } : 'so')).toEqual({ question: 'why?', answer: 'so' });
    }
  });

  it('resumes several interrupts one after the other, and each only once', async () => {
    await client.runs.wait(thread_id, 'parallel', { input: {} });
    const [left, right] = await pendingIds();
    expect(await resume('parallel', { [left]: 'L' })).toMatchObject({ __interrupt__: [{ id: right }] });
    expect(await resume('parallel', { [left]: 'again' })).toEqual(refused('not_pending', [right], [left]));
    expect(await resume('parallel', { [right]: 'R' })).toEqual({ answers: ['left:"L"', 'right:"R"'] });
  });

  it('continues from a breakpoint', async () => {
    await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' }, interruptBefore: ['ask'] });
    expect(await resume('ask', 'so')).toEqual({ question: 'why?', answer: 'so' });
  });

  it.each([
    ['an interrupt that is not pending', { [UNKNOWN]: 'so' }, 'not_pending', [UNKNOWN]],
    ['no interrupt', {}, 'empty_map', []],
  ])('of %s fails, and leaves the thread unchanged', async (_name, answer, reason, interruptIds) => {
    await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' }, config: { configurable: { a: 1 } } });
    const before = await everything();
    const { assistant_id } = await client.assistants.create({ graphId: 'ask', config: { configurable: { b: 1 } } });
    const payload = { config: { configurable: { a: 2 } }, metadata: { mine: true } };
    const failure = refused(reason, await pendingIds(), interruptIds);
    expect(await resume(assistant_id, answer, payload)).toEqual(failure);
    expect(await everything()).toEqual(before);
    expect(before).toMatchObject({ thread: { status: 'interrupted' } });
    const [run] = await client.runs.list(thread_id);
    expect(run).toMatchObject({ status: 'error', kwargs: { strict_resume: true } });
    expect(await client.runs.join(thread_id, run.run_id)).toEqual(failure);
    expect(await resume('ask', 'so')).toEqual({ question: 'why?', answer: 'so' });
  });

  it('with one value for several interrupts fails', async () => {
    await client.runs.wait(thread_id, 'parallel', { input: {} });
    const open = await pendingIds();
    expect(await resume('parallel', 'so')).toEqual(refused('ambiguous', open));
    expect(await resume('parallel', null)).toEqual(refused('ambiguous', open));
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });
  });

  it('fails when no interrupt is pending', async () => {
    await client.runs.wait(thread_id, 'steps', { input: {} });
    const before = await everything();
    for (const answer of ['so', { [UNKNOWN]: 'so' }]) {
      expect(await resume('steps', answer)).toMatchObject({ __error__: { reason: 'not_pending', pending_ids: [] } });
    }
    expect(await everything()).toEqual(before);
  });

  it('fails on a failed thread, and leaves it unchanged', async () => {
    await client.runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
    const before = await everything();
    expect(before).toMatchObject({ thread: { status: 'error' } });
    expect(await resume('failing', { [UNKNOWN]: 'so' })).toMatchObject(refused('not_pending', [], [UNKNOWN]));
    expect(await everything()).toEqual(before);
  });

  it('fails on a thread without runs, and without a thread', async () => {
    expect(await resume('ask', 'so')).toEqual(refused('not_pending', []));
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: null });
    const stateless = await strict.runs.wait(null, 'ask', { command: { resume: 'so' }, raiseError: false });
    expect(stateless).toEqual(refused('not_pending', []));
  });

  it('streams its failure', async () => {
    const parts = await collect(strict.runs.stream(thread_id, 'ask', { command: { resume: 'so' } }));
    expect(parts.slice(1)).toEqual([
      { event: 'error', data: (refused('not_pending', []) as { __error__: object }).__error__ },
    ]);
  });

  it('counts as resumed when the graph itself throws the same error, and its thread has failed', async () => {
    await client.runs.wait(thread_id, 'refusing', { input: {} });
    const [id] = await pendingIds();
    expect(await resume('refusing', { [id]: 'so' })).toMatchObject({ __error__: { error: 'UnknownInterruptError' } });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error', values: { answer: 'so' } });
  });

  it('that is queued behind another resume is checked when it starts', async () => {
    await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' } });
    const [id] = await pendingIds();
    const command = { resume: { [id]: 'first' } };
    const { run_id } = await strict.runs.create(thread_id, 'ask', { command });
    expect(await resume('ask', { [id]: 'second' })).toEqual(refused('not_pending', [], [id]));
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'success' });
    expect(await client.threads.get(thread_id)).toMatchObject({
      status: 'idle',
      values: { question: 'why?', answer: 'first' },
    });
  });

  it('does not affect a run that resumes nothing', async () => {
    expect(await strict.runs.wait(thread_id, 'steps', { input: {} })).toEqual({ path: ['one', 'two', 'three'] });
    expect(await strict.runs.wait(thread_id, 'steps', { command: { goto: 'three' } })).toMatchObject({ path: {} });
  });

  it('must be a boolean', async () => {
    const { runs } = addingClient(Client, server.url, { strict_resume: 'yes' });
    await expect(runs.create(thread_id, 'ask', { command: { resume: 1 } })).rejects.toMatchObject(
      refusal(422, 'validation_failed'),
    );
  });
});

it('the newest SDK requests a strict resume with strictResume', async () => {
  const client = connect(SDKS[0][1], server.url);
  const thread_id = await newThread(client);
  const run = client.runs.wait(thread_id, 'ask', { command: { resume: 'so' }, strictResume: true });
  await expect(run).rejects.toThrow('UnknownInterruptError: No interrupt is pending.');
});

it('the server reports that it supports strict resumes', async () => {
  expect((await send(`${server.url}/info`)).json).toMatchObject({ flags: { strict_resume: true } });
});
