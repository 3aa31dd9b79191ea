import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  connect,
  type Gate,
  newGate,
  newThread,
  type Part,
  readUntil,
  recordingClient,
  SDKS,
  serverForFile,
  untilAnswered,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

type Disconnect = 'cancel' | 'continue' | undefined;

const server = serverForFile();
/** Executes no runs. */
const elsewhere = server.beside({ env: { N_JOBS_PER_WORKER: '0' } });

interface Left {
  gate: Gate;
  thread_id: string;
  run_id: string;
}

/** Waits for a run until it is inside its node, then leaves. */
async function leaveWait(client: Client, onDisconnect: Disconnect): Promise<Left> {
  const [gate, leaving, thread_id] = [newGate(), new AbortController(), await newThread(client)];
  const waiting = client.runs.wait(thread_id, 'waiting', {
    input: { gate: gate.path, label: 'a' },
    onDisconnect,
    signal: leaving.signal,
  });
  const [{ run_id }] = await askUntil(
    () => client.runs.list(thread_id),
    ([run]) => run?.status === 'running',
  );
  leaving.abort();
  await expect(waiting).rejects.toThrow();
  return { gate, thread_id, run_id };
}

describe.each(SDKS)('a client that disconnects, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const statusOf = async ({ thread_id, run_id }: Left): Promise<string> =>
    (await client.runs.get(thread_id, run_id)).status;

  const endOf = (left: Left): Promise<string> =>
    askUntil(
      () => statusOf(left),
      (status) => status !== 'running',
    );

  /** Reads until the run waits at its gate, then leaves. */
  async function leaveAtTheGate(parts: AsyncIterable<Part>, leaving: AbortController): Promise<void> {
    try {
      for await (const { event } of parts) {
        if (event === 'custom') {
          leaving.abort();
        }
      }
    } catch (error) {
      expect((error as Error).name).toBe('AbortError');
    }
  }

  async function leaveStream(onDisconnect: Disconnect): Promise<Left> {
    const [gate, leaving, thread_id] = [newGate(), new AbortController(), await newThread(client)];
    const parts = client.runs.stream(thread_id, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamMode: 'custom',
      onDisconnect,
      signal: leaving.signal,
    });
    await leaveAtTheGate(parts, leaving);
    return { gate, thread_id, run_id: (await client.runs.list(thread_id))[0].run_id };
  }

  async function leaveJoinedStream(cancelOnDisconnect: boolean): Promise<Left> {
    const [gate, leaving, thread_id] = [newGate(), new AbortController(), await newThread(client)];
    const input = { gate: gate.path, label: 'a' };
    const { run_id } = await client.runs.create(thread_id, 'waiting', { input, streamMode: ['custom'] });
    const options = { cancelOnDisconnect, lastEventId: '-1', signal: leaving.signal };
    await leaveAtTheGate(client.runs.joinStream(thread_id, run_id, options), leaving);
    return { gate, thread_id, run_id };
  }

  it('cancels the run if that was requested, and not otherwise', async () => {
    // Clients of continuing runs disconnect first: those runs would be cancelled by the time the others are.
    const going = [
      await leaveStream(undefined),
      await leaveStream('continue'),
      await leaveWait(client, undefined),
      await leaveWait(client, 'continue'),
      await leaveJoinedStream(false),
    ];
    const cancelled = [await leaveStream('cancel'), await leaveWait(client, 'cancel'), await leaveJoinedStream(true)];
    expect(await Promise.all(cancelled.map(endOf))).toEqual(cancelled.map(() => 'interrupted'));
    expect(await Promise.all(going.map(statusOf))).toEqual(going.map(() => 'running'));
    going.forEach(({ gate }) => gate.open());
    expect(await Promise.all(going.map(endOf))).toEqual(going.map(() => 'success'));
    for (const { thread_id } of [...cancelled, ...going]) {
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    }
  });
});

it('a client of the newest SDK that disconnects from a join cancels the run if it requests that', async () => {
  const { client, responses } = recordingClient(SDKS[0][1], server.url);
  const thread_id = await newThread(client);
  const { run_id } = await client.runs.create(thread_id, 'waiting', { input: { gate: newGate().path, label: 'a' } });
  const leaving = new AbortController();
  responses.splice(0);
  const joined = client.runs.join(thread_id, run_id, { cancelOnDisconnect: true, signal: leaving.signal });
  await untilAnswered({ responses });
  leaving.abort();
  await expect(joined).rejects.toThrow();
  await askUntil(
    () => client.runs.get(thread_id, run_id),
    ({ status }) => status === 'interrupted',
  );
});

describe('a run whose last client has disconnected', () => {
  let client: Client;

  beforeAll(() => {
    client = connect(SDKS[0][1], server.url);
  });

  /** A run with `on_disconnect: cancel` on this thread, or on none, whose client has left its stream. */
  async function leaveStream(thread_id: string | null, streamResumable: boolean): Promise<Left> {
    const [gate, leaving] = [newGate(), new AbortController()];
    let run = { run_id: '', thread_id: '' };
    const parts = client.runs.stream(thread_id as string, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamMode: ['custom'],
      streamResumable,
      onDisconnect: 'cancel',
      onRunCreated: ({ run_id, thread_id }) => (run = { run_id, thread_id: thread_id! }),
      signal: leaving.signal,
    });
    const reading = readUntil(parts as AsyncIterable<Part>, 'custom').then(() => leaving.abort());
    await reading;
    return { gate, ...run, thread_id: thread_id ?? '' };
  }

  const statusOf = async (run_id: string): Promise<string | undefined> => {
    const { rows } = await server.database.pool.query<{ status: string }>('SELECT status FROM runs WHERE run_id = $1', [
      run_id,
    ]);
    return rows.at(0)?.status;
  };

  const untilCancelled = (run_id: string): Promise<string | undefined> =>
    askUntil(
      () => statusOf(run_id),
      (status) => status === 'interrupted',
    );

  it('is cancelled before the grace period of a resumable stream has passed', async () => {
    // That one has left first.
    const resumable = await leaveStream(await newThread(client), true);
    const stateless = await leaveStream(null, false);
    const other = await leaveStream(await newThread(client), false);
    const waited = await leaveWait(client, 'cancel');
    await Promise.all([stateless, other, waited].map(({ run_id }) => untilCancelled(run_id)));
    expect(await statusOf(resumable.run_id)).toBe('running');
    await untilCancelled(resumable.run_id);
  });

  it.each([
    ['this process', () => server.url],
    ['another one', () => elsewhere.url],
  ])('is cancelled at once when another run is created on its thread, by %s', async (_, urlOf) => {
    const [thread_id, another] = [await newThread(client), await newThread(client)];
    const stays = await leaveStream(another, true);
    const left = await leaveStream(thread_id, true);
    const creator = connect(SDKS[0][1], urlOf());
    // Refused until the process has been notified that the client has left.
    const answer = await askUntil(
      () =>
        creator.runs
          .wait(thread_id, 'steps', { input: {}, multitaskStrategy: 'reject' })
          .catch((error: unknown) => expect(error).toMatchObject({ status: 409 })),
      (answer) => answer !== undefined,
    );
    expect(answer).toMatchObject({ path: ['one', 'two', 'three'] });
    expect(await statusOf(left.run_id)).toBe('interrupted');
    expect(await statusOf(stays.run_id)).toBe('running');
  });

  it.each([
    ['this process', () => server.url],
    ['another one', () => elsewhere.url],
  ])('is not cancelled by another run while a client reads it from %s', async (_, urlOf) => {
    const thread_id = await newThread(client);
    const back = new AbortController();
    const left = await leaveStream(thread_id, true);
    const joined = await fetch(`${urlOf()}/threads/${thread_id}/runs/${left.run_id}/stream`, {
      headers: { 'last-event-id': '-1' },
      signal: back.signal,
    });
    const reader = joined.body!.getReader();
    await reader.read();
    const next = client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' } });
    await askUntil(
      () => client.runs.list(thread_id),
      (runs) => runs.length === 2,
    );
    expect(await statusOf(left.run_id)).toBe('running');
    left.gate.open();
    expect(await next).toMatchObject({ order: ['a:start', 'a:end', 'b:start', 'b:end'] });
    expect(await statusOf(left.run_id)).toBe('success');
    back.abort();
  });
});

describe('a client whose wait was closed early', () => {
  /** A run that ends with its readers; the one that asked for it at `first` has come back to `second`. */
  async function comeBack(first: string, second: string) {
    const client = connect(SDKS[0][1], first);
    const { gate, thread_id, run_id } = await leaveWait(client, 'cancel');
    const back = new AbortController();
    // As SDKs do it: the bare Location.
    const answer = fetch(`${second}/threads/${thread_id}/runs/${run_id}/join`, { signal: back.signal });
    return { client, thread_id, run_id, gate, answer, back };
  }

  /** A run like the one of {@link comeBack}, whose client does not come back: when it is cancelled, the time is over. */
  async function untilOthersAreCancelled(): Promise<void> {
    const { client, thread_id, run_id, answer, back } = await comeBack(server.url, server.url);
    back.abort();
    await expect(answer.then((response) => response.text())).rejects.toThrow();
    await askUntil(
      () => client.runs.get(thread_id, run_id),
      ({ status }) => status === 'interrupted',
    );
  }

  it.each([
    ['the same process', () => server.url],
    ['another one', () => elsewhere.url],
  ])(
    'finds its run still running when it reconnects to %s, and cancels it when it disconnects again',
    async (_, urlOf) => {
      const stays = await comeBack(server.url, urlOf());
      const leaves = await comeBack(server.url, urlOf());
      await untilOthersAreCancelled();
      for (const { client, thread_id, run_id } of [stays, leaves]) {
        expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'running' });
      }
      leaves.back.abort();
      await askUntil(
        () => leaves.client.runs.get(leaves.thread_id, leaves.run_id),
        ({ status }) => status === 'interrupted',
      );
      stays.gate.open();
      expect(await (await stays.answer).json()).toMatchObject({ order: ['a:start', 'a:end'] });
    },
  );
});
