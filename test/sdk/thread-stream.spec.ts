import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  dataOf,
  type FollowOptions,
  followThread,
  names,
  newThread,
  type Part,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
  type ThreadFollower,
} from '../support/sdk.js';

const server = serverForFile();

const STEPS = { input: {}, streamMode: 'updates' } as const;
const RUN = ['metadata', 'updates', 'updates', 'updates', 'run_done'];

const count = (parts: Part[], event: string): number => parts.filter((part) => part.event === event).length;

describe.each(SDKS)('the stream of a thread with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const followNew = async (options?: FollowOptions): Promise<ThreadFollower> => {
    thread_id = await newThread(client);
    return followThread(Client, server.url, thread_id, options);
  };

  /** The events of the runs so far. */
  const untilRuns = (follower: ThreadFollower, runs: number): Promise<void> =>
    follower.until((parts) => count(parts, 'run_done') === runs);

  it('contains all runs in order, each from its metadata to its end', async () => {
    const follower = await followNew();
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await client.runs.wait(thread_id, 'steps', { input: {} });
    await client.runs.join(thread_id, (await client.runs.create(thread_id, 'steps', STEPS)).run_id);
    await untilRuns(follower, 3);
    const waited = ['metadata', 'values', 'values', 'values', 'run_done'];
    expect(names(follower.parts)).toEqual([...RUN, ...waited, ...RUN]);
    const runs = (await client.runs.list(thread_id)).reverse();
    expect(dataOf(follower.parts, 'metadata')).toEqual(runs.map(({ run_id }) => ({ run_id, attempt: 1 })));
    expect(dataOf(follower.parts, 'run_done')).toEqual(runs.map(({ run_id }) => ({ run_id, status: 'success' })));
    follower.leave();
  });

  it('has ascending ids for all events', async () => {
    const follower = await followNew({ streamMode: ['run_modes', 'state_update'] });
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await client.threads.update(thread_id, { metadata: { a: 1 } });
    await follower.until((parts) => count(parts, 'state_update') === 2);
    expect(follower.parts.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    follower.leave();
  });

  it('starts with live events', async () => {
    thread_id = await newThread(client);
    await collect(client.runs.stream(thread_id, 'steps', { ...STEPS, streamResumable: true }));
    const earlier = await followThread(Client, server.url, thread_id, { lastEventId: '-' });
    await untilRuns(earlier, 1);
    earlier.leave();
    const follower = await followThread(Client, server.url, thread_id);
    await client.runs.wait(thread_id, 'steps', { input: {} });
    await untilRuns(follower, 1);
    const [, { run_id }] = (await client.runs.list(thread_id)).reverse();
    expect(follower.parts[0]).toMatchObject({ event: 'metadata', data: { run_id } });
    follower.leave();
  });

  it('contains only the start and the end of runs in mode lifecycle', async () => {
    const follower = await followNew({ streamMode: 'lifecycle' });
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await client.runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
    await untilRuns(follower, 2);
    expect(names(follower.parts)).toEqual(['metadata', 'run_done', 'metadata', 'run_done']);
    expect(dataOf(follower.parts, 'run_done')).toMatchObject([{ status: 'success' }, { status: 'error' }]);
    follower.leave();
  });

  it('contains every change of the state in mode state_update', async () => {
    const follower = await followNew({ streamMode: 'state_update' });
    const until = (updates: number): Promise<void> => follower.until(({ length }) => length === updates);
    await client.threads.update(thread_id, { metadata: { early: true } });
    await until(1);
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await until(2);
    await client.threads.updateState(thread_id, { values: { path: ['by hand'] }, asNode: 'one' });
    await until(3);
    expect(new Set(names(follower.parts))).toEqual(new Set(['state_update']));
    expect(follower.parts[0].data).toMatchObject({ values: {}, next: [], checkpoint: null });
    expect(follower.parts[1].data).toMatchObject({ values: { path: ['one', 'two', 'three'] }, next: [] });
    expect(follower.parts[2].data).toEqual(await client.threads.getState(thread_id));
    expect(follower.parts[2].data).toMatchObject({ next: ['two'] });
    follower.leave();
  });

  it('combines several modes', async () => {
    const follower = await followNew({ streamMode: ['lifecycle', 'state_update'] });
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await follower.until((parts) => count(parts, 'state_update') === 1);
    expect(names(follower.parts)).toEqual(['metadata', 'run_done', 'state_update']);
    follower.leave();
  });

  it('reports a cancelled run and its final state', async () => {
    const follower = await followNew({ streamMode: ['lifecycle', 'state_update'] });
    const { run_id } = await startWaiting(client, thread_id);
    await client.runs.cancel(thread_id, run_id, true);
    await follower.until((parts) => count(parts, 'state_update') === 1);
    expect(names(follower.parts)).toEqual(['metadata', 'run_done', 'state_update']);
    expect(follower.parts[1].data).toEqual({ run_id, status: 'interrupted' });
    expect(follower.parts[2].data).toMatchObject({ values: { order: ['a:start'] } });
    follower.leave();
  });

  it('can be read again from the start, or after an id', async () => {
    const follower = await followNew();
    await collect(client.runs.stream(thread_id, 'steps', STEPS));
    await client.runs.wait(thread_id, 'steps', { input: {} });
    await untilRuns(follower, 2);
    for (const [lastEventId, expected] of [
      ['-', follower.parts],
      ['3', follower.parts.slice(4)],
    ] as const) {
      const again = await followThread(Client, server.url, thread_id, { lastEventId });
      await again.until(({ length }) => length === expected.length);
      expect(again.parts).toEqual(expected);
      again.leave();
    }
    follower.leave();
  });

  it('contains earlier resumable runs although the thread had no reader', async () => {
    thread_id = await newThread(client);
    const original = await collect(client.runs.stream(thread_id, 'steps', { ...STEPS, streamResumable: true }));
    const follower = await followThread(Client, server.url, thread_id, { lastEventId: '-' });
    await untilRuns(follower, 1);
    expect(follower.parts.slice(0, -1)).toEqual(original);
    follower.leave();
  });

  it('returns 404 for an unknown thread', async () => {
    const follower = followThread(Client, server.url, crypto.randomUUID());
    await expect(follower.then(({ ended }) => ended)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
  });

  it('ends when the thread is deleted', async () => {
    const follower = await followNew();
    await client.threads.delete(thread_id);
    await follower.ended;
    expect(follower.parts).toEqual([]);
  });
});
