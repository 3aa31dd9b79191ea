import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, newThread, refusal, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

const ALL = { path: ['one', 'two', 'three'] };

describe.each(SDKS)('runs with a delay, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const delayed = (afterSeconds: number) => client.runs.create(thread_id, 'steps', { input: {}, afterSeconds });

  it('wait until they are due, and keep their thread busy meanwhile', async () => {
    thread_id = await newThread(client);
    const before = Date.now();
    const { run_id, status } = await delayed(0.4);
    expect(status).toBe('pending');
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy', metadata: { graph_id: 'steps' } });
    expect(await client.runs.join(thread_id, run_id)).toEqual(ALL);
    expect(Date.now() - before).toBeGreaterThanOrEqual(400);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: ALL });
  });

  it('let others overtake them, and continue from their state', async () => {
    thread_id = await newThread(client);
    const { run_id } = await delayed(0.4);
    expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toEqual(ALL);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
    expect(await client.runs.join(thread_id, run_id)).toEqual({ path: [...ALL.path, ...ALL.path] });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
  });

  it('can be cancelled before they begin', async () => {
    thread_id = await newThread(client);
    const { run_id, created_at } = await delayed(3600);
    expect(Date.parse(created_at) - Date.now()).toBeGreaterThan(3_500_000);
    await client.runs.cancel(thread_id, run_id, true);
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
  });

  it('may be stateless', async () => {
    const before = Date.now();
    expect(await client.runs.wait(null, 'steps', { input: {}, afterSeconds: 0.4 })).toEqual(ALL);
    expect(Date.now() - before).toBeGreaterThanOrEqual(400);
  });

  it.each([-1, 1e12])('of %s seconds are refused', async (seconds) => {
    thread_id = await newThread(client);
    await expect(delayed(seconds)).rejects.toMatchObject(refusal(422, 'validation_failed'));
  });
});

describe.each(SDKS)('a batch of runs, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const batch = (items: object[]) => client.runs.createBatch(items as never);

  it('is created in its order and executed, whether stateless or on threads', async () => {
    const thread_id = await newThread(client);
    const onThread = { assistantId: 'steps', thread_id, input: {} };
    const runs = await batch([onThread, { assistantId: 'steps', input: {}, on_completion: 'keep' }, onThread]);
    expect(runs.map((run) => run.thread_id === thread_id)).toEqual([true, false, true]);
    await client.runs.join(thread_id, runs[2].run_id);
    await client.runs.join(runs[1].thread_id, runs[1].run_id);
    expect(await client.threads.get(thread_id)).toMatchObject({ values: { path: [...ALL.path, ...ALL.path] } });
    expect(await client.threads.get(runs[1].thread_id)).toMatchObject({ values: ALL });
  });

  it('understands the camel case of the JS SDK', async () => {
    const thread_id = await newThread(client);
    const [run] = await batch([
      { assistantId: 'steps', threadId: thread_id, input: {}, multitaskStrategy: 'reject', streamMode: ['updates'] },
    ]);
    expect(run).toMatchObject({ thread_id, multitask_strategy: 'reject', kwargs: { stream_mode: ['updates'] } });
  });

  it('understands the camel case of every parameter', async () => {
    const thread_id = randomUUID();
    const [, run] = await batch([
      { assistantId: 'steps', input: {}, onCompletion: 'keep', afterSeconds: 3600 },
      {
        assistantId: 'steps',
        threadId: thread_id,
        ifNotExists: 'create',
        input: {},
        interruptBefore: ['two'],
        checkpointDuring: false,
        streamSubgraphs: true,
        streamResumable: true,
        strictResume: true,
      },
    ]);
    expect(run).toMatchObject({
      thread_id,
      kwargs: {
        interrupt_before: ['two'],
        durability: 'exit',
        subgraphs: true,
        resumable: true,
        strict_resume: true,
      },
    });
    expect(await client.runs.join(thread_id, run.run_id)).toMatchObject({ path: ['one'] });
  });

  it.each([
    ['an unknown assistant', { assistantId: 'nobody' }, 404, 'assistant_not_found'],
    ['an unknown thread', { assistantId: 'steps', thread_id: randomUUID() }, 404, 'thread_not_found'],
    ['a field of the wrong type', { assistantId: 'steps', metadata: 'x' }, 422, 'validation_failed'],
  ])('with %s creates nothing at all', async (_name, wrong, status, code) => {
    const thread_id = await newThread(client);
    await expect(batch([{ assistantId: 'steps', thread_id, input: {} }, wrong])).rejects.toMatchObject(
      refusal(status, code),
    );
    expect(await client.runs.list(thread_id)).toEqual([]);
  });
});
