import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { framesOf, lastIdIn } from '../support/frames.js';
import { send, sendJson } from '../support/http.js';
import { open, type RawResponse } from '../support/raw-response.js';
import { names, newGate, type Part } from '../support/sdk.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';

const MODES = [
  'values',
  'updates',
  'messages',
  'messages-tuple',
  'custom',
  'tasks',
  'checkpoints',
  'debug',
  'events',
  'tools',
];
const HELLO = { messages: [{ role: 'user', content: 'hi' }] };
const STEPS = { assistant_id: 'steps', input: {}, stream_mode: ['updates', 'custom'], stream_resumable: true };
const STEPS_EVENTS = ['metadata', 'custom', 'updates', 'custom', 'updates', 'custom', 'updates'];

const post = async <T>(url: string, body: object = {}): Promise<T> => (await sendJson(url, body)).json as T;
const newThread = async ({ url }: TestServer): Promise<string> =>
  (await post<{ thread_id: string }>(`${url}/threads`)).thread_id;
const runOf = ({ headers }: RawResponse): string => /[^/]+$/.exec(headers['content-location'] ?? '')![0];
/** With a query, as SDKs send it; without one they reconnect to an earlier stream. */
const join = ({ url }: TestServer, thread_id: string, run_id: string, lastEventId?: string): Promise<RawResponse> =>
  open(
    `${url}/threads/${thread_id}/runs/${run_id}/stream?cancel_on_disconnect=0`,
    undefined,
    lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  );
const read = async (response: Promise<RawResponse>): Promise<Part[]> => framesOf(await (await response).ended);

describe('two servers on one database', () => {
  let database: TestDatabase;
  /** Executes all runs. */
  let worker: TestServer;
  /** Executes none. */
  let api: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    worker = await startServer({ database, command: 'start' });
    api = await startServer({ database, command: 'start', env: { N_JOBS_PER_WORKER: '0' } });
  });
  afterAll(async () => {
    await api?.stop();
    await worker?.stop();
    await killLeftovers();
    await database?.drop();
  });

  /** A run of `waiting` inside its node, created on one server and executed by the worker. */
  async function startWaiting(server: TestServer, thread_id: string, body: object = {}) {
    const gate = newGate();
    const run = { assistant_id: 'waiting', input: { gate: gate.path, label: 'a' }, stream_mode: ['custom', 'updates'] };
    const stream = await open(`${server.url}/threads/${thread_id}/runs/stream`, { ...run, ...body });
    await stream.until(/"waiting":"a"/);
    return { gate, stream, run_id: runOf(stream) };
  }

  describe('a run that another process executes', () => {
    it.each(MODES)('streams the same in mode %s', async (stream_mode) => {
      const graphs: Record<string, string> = { custom: 'steps', tools: 'tools' };
      const body = { assistant_id: graphs[stream_mode] ?? 'tokens', input: HELLO, stream_mode };
      const [here, there] = await Promise.all(
        [worker, api].map(async (server) =>
          read(open(`${server.url}/threads/${await newThread(server)}/runs/stream`, body)),
        ),
      );
      expect(here.length).toBeGreaterThan(1);
      expect(names(there)).toEqual(names(here));
    });

    it('is streamed while it runs, on a thread and without one', async () => {
      const thread_id = await newThread(api);
      for (const path of [`/threads/${thread_id}/runs/stream`, '/runs/stream']) {
        const gate = newGate();
        const input = { gate: gate.path, label: 'a' };
        const stream = await open(api.url + path, { assistant_id: 'waiting', input, stream_mode: 'custom' });
        await stream.until(/"waiting":"a"/);
        gate.open();
        expect(names(framesOf(await stream.ended))).toEqual(['metadata', 'custom']);
      }
    });

    it('returns its result to waiting clients', async () => {
      const thread_id = await newThread(api);
      const body = { assistant_id: 'steps', input: {} };
      expect(await post(`${api.url}/threads/${thread_id}/runs/wait`, body)).toEqual({ path: ['one', 'two', 'three'] });
      expect(await post(`${api.url}/runs/wait`, body)).toEqual({ path: ['one', 'two', 'three'] });
    });

    it('starts within a second, even when many start at once', async () => {
      const bodies = Array.from({ length: 20 }, () => ({ assistant_id: 'steps', input: {}, stream_mode: 'updates' }));
      const begun = performance.now();
      const streams = await Promise.all(bodies.map((body) => open(`${api.url}/runs/stream`, body)));
      await Promise.all(streams.map(({ ended }) => ended));
      const firsts = streams.map(({ arrivals: [first] }) => first.at - begun).sort((a, b) => a - b);
      // A run that had to wait for a poll would wait for seconds.
      expect(firsts[0]).toBeLessThan(1_000);
      expect(firsts.at(-1)).toBeLessThan(4_000);
      streams.forEach((stream) =>
        expect(names(framesOf(stream.text()))).toEqual(['metadata', 'updates', 'updates', 'updates']),
      );
    });

    it('is joined from its first event when it had no reader', async () => {
      const thread_id = await newThread(worker);
      for (const [creator, body] of [
        [worker, {}],
        [api, {}],
        [worker, { stream_resumable: true }],
      ] as const) {
        const run = { assistant_id: 'steps', input: {}, stream_mode: 'updates', ...body };
        const { run_id } = await post<{ run_id: string }>(`${creator.url}/threads/${thread_id}/runs`, run);
        await read(join(worker, thread_id, run_id));
        expect(names(await read(join(api, thread_id, run_id)))).toEqual(['metadata', 'updates', 'updates', 'updates']);
      }
    });

    it('is joined with live events when it has a reader', async () => {
      const thread_id = await newThread(worker);
      const gate = newGate();
      const body = { assistant_id: 'ticking', input: { gate: gate.path }, stream_mode: 'custom' };
      const stream = await open(`${worker.url}/threads/${thread_id}/runs/stream`, body);
      await stream.until(/"tick":5/);
      const joined = await join(api, thread_id, runOf(stream));
      await joined.until(/"tick"/);
      gate.open();
      const [all, some] = [framesOf(await stream.ended), framesOf(await joined.ended)];
      expect(some.length).toBeLessThan(all.length - 5);
      expect(some).toEqual(all.slice(-some.length));
    });

    it('is joined from its first event on request, although it is not resumable', async () => {
      const thread_id = await newThread(worker);
      const { gate, run_id, stream } = await startWaiting(worker, thread_id);
      const joined = await join(api, thread_id, run_id, '-1');
      await joined.until(/"waiting":"a"/);
      gate.open();
      expect(framesOf(await joined.ended)).toEqual(framesOf(await stream.ended));
    });

    it('reports to its readers in other processes that it was cancelled, failed or rolled back', async () => {
      const thread_id = await newThread(api);
      const failed = await read(
        open(`${api.url}/threads/${thread_id}/runs/stream`, { assistant_id: 'failing', input: {} }),
      );
      expect(failed.at(-1)).toEqual({ event: 'error', data: { error: 'CoffeeError', message: 'out of beans' } });
      for (const stream_resumable of [false, true]) {
        for (const [action, last] of [
          ['interrupt', 'custom'],
          ['rollback', 'error'],
        ]) {
          const { run_id, stream } = await startWaiting(api, thread_id, { stream_resumable });
          await post(`${worker.url}/threads/${thread_id}/runs/${run_id}/cancel?wait=1&action=${action}`);
          const parts = framesOf(await stream.ended);
          expect(parts.at(-1)!.event).toBe(last);
        }
      }
    }); // prettier-ignore
  });

  describe('a resumable run', () => {
    it('has ids from 0 on a new thread that continue across its runs, whichever server created them', async () => {
      const thread_id = await newThread(api);
      const runs: Part[][] = [];
      for (const server of [api, worker, api]) {
        runs.push(await read(open(`${server.url}/threads/${thread_id}/runs/stream`, STEPS)));
      }
      runs.forEach((run) => expect(names(run)).toEqual(STEPS_EVENTS));
      expect(runs[0].map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
      const ids = runs.flat().map(({ id }) => Number(id));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('is read identically by many clients of both servers, before and after its end', async () => {
      const thread_id = await newThread(api);
      const { gate, run_id, stream } = await startWaiting(api, thread_id, { stream_resumable: true });
      const readers = await Promise.all(
        [api, worker, api, worker].map((server) => join(server, thread_id, run_id, '-1')),
      );
      await Promise.all(readers.map((reader) => reader.until(/"waiting":"a"/)));
      gate.open();
      const original = framesOf(await stream.ended);
      expect(names(original)).toEqual(['metadata', 'updates', 'custom', 'updates']);
      for (const reader of [...readers, await join(api, thread_id, run_id, '-1'), await join(worker, thread_id, run_id, '-1')]) {
        expect(framesOf(await reader.ended)).toEqual(original);
      } // prettier-ignore
    });

    it('continues after the id of a client, during the run and after it', async () => {
      const thread_id = await newThread(api);
      await read(open(`${api.url}/threads/${thread_id}/runs/stream`, STEPS));
      const { gate, run_id, stream } = await startWaiting(worker, thread_id, { stream_resumable: true });
      const [, second] = framesOf(stream.text());
      const during = await Promise.all([api, worker].map((server) => join(server, thread_id, run_id, second.id)));
      await Promise.all(during.map((reader) => reader.until(/"waiting":"a"/)));
      gate.open();
      const original = framesOf(await stream.ended);
      const after = await Promise.all([api, worker].map((server) => join(server, thread_id, run_id, second.id)));
      for (const reader of [...during, ...after]) {
        expect(framesOf(await reader.ended)).toEqual(original.slice(2));
      }
      for (const server of [api, worker]) {
        expect(await read(join(server, thread_id, run_id, original.at(-1)!.id))).toEqual([]);
        expect(await read(join(server, thread_id, run_id, '4711'))).toEqual(original);
        expect(await read(join(server, thread_id, run_id, 'no id of ours'))).toEqual(original);
        // An id of the previous run precedes all events of this one.
        expect(await read(join(server, thread_id, run_id, '3'))).toEqual(original);
      }
    });

    it('is joined without an id with live events by all but the first reader', async () => {
      const thread_id = await newThread(worker);
      const { gate, run_id, stream } = await startWaiting(worker, thread_id, { stream_resumable: true });
      const later = await Promise.all([api, worker].map((server) => join(server, thread_id, run_id)));
      gate.open();
      const original = framesOf(await stream.ended);
      for (const reader of later) {
        expect(framesOf(await reader.ended)).toEqual(original.slice(3));
      }
    });

    it('is returned as a whole to a client that reconnects to its Location without an id', async () => {
      const thread_id = await newThread(worker);
      const { gate, stream } = await startWaiting(worker, thread_id, { stream_resumable: true });
      const back = await Promise.all([api, worker].map(({ url }) => open(url + stream.headers.location!)));
      gate.open();
      const original = framesOf(await stream.ended);
      for (const reader of back) {
        expect(framesOf(await reader.ended)).toEqual(original);
      }
    });

    it('without a thread can be resumed at its Location in any process', async () => {
      const stream = await open(`${api.url}/runs/stream`, STEPS);
      const original = framesOf(await stream.ended);
      expect(original.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
      for (const server of [api, worker]) {
        const again = open(server.url + stream.headers.location!, undefined, { 'last-event-id': '2' });
        expect(await read(again)).toEqual(original.slice(3));
      }
    });
  });

  describe('the stream of a thread', () => {
    const follow = ({ url }: TestServer, thread_id: string, query = '', lastEventId?: string): Promise<RawResponse> =>
      open(
        `${url}/threads/${thread_id}/stream${query}`,
        undefined,
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      );
    const update = (server: TestServer, thread_id: string, metadata: object) =>
      sendJson(`${server.url}/threads/${thread_id}`, { metadata }, { method: 'PATCH' });
    const deleteThread = (thread_id: string) => send(`${api.url}/threads/${thread_id}`, { method: 'DELETE' });

    it('has all events in every process, with ids in the same order, until the thread is deleted', async () => {
      const thread_id = await newThread(api);
      const modes = '?stream_mode=run_modes&stream_mode=state_update';
      const readers = await Promise.all([api, worker].map((server) => follow(server, thread_id, modes)));
      readers.forEach(({ status, headers }) => {
        expect(status).toBe(200);
        expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
      });
      const run = { assistant_id: 'steps', input: {} };
      for (const server of [worker, api]) {
        await post(`${server.url}/threads/${thread_id}/runs/wait`, run);
        await read(open(`${server.url}/threads/${thread_id}/runs/stream`, { ...run, stream_mode: 'updates' }));
        await update(server, thread_id, { by: server.url });
        await post(`${server.url}/threads/${thread_id}/state`, { values: { path: ['by hand'] }, as_node: 'three' });
      }
      await Promise.all(readers.map((reader) => reader.until(/(event: state_update[^]*){8}/)));
      const everything = await follow(api, thread_id, modes, '-');
      await everything.until(/(event: state_update[^]*){8}/);
      await deleteThread(thread_id);
      const [one, ...others] = (await Promise.all([...readers, everything].map(({ ended }) => ended))).map(framesOf);
      const waited = ['metadata', 'values', 'values', 'values', 'run_done', 'state_update'];
      const streamed = ['metadata', 'updates', 'updates', 'updates', 'run_done', 'state_update'];
      const byHand = ['state_update', 'state_update'];
      expect(names(one)).toEqual([...waited, ...streamed, ...byHand, ...waited, ...streamed, ...byHand]);
      expect(one.map(({ id }) => id)).toEqual(one.map((_, index) => String(index)));
      others.forEach((other) => expect(other).toEqual(one));
    });

    it('continues after an id, in any process', async () => {
      const thread_id = await newThread(api);
      const reader = await follow(worker, thread_id);
      await post(`${worker.url}/threads/${thread_id}/runs/wait`, { assistant_id: 'steps', input: {} });
      await reader.until(/run_done/);
      reader.leave();
      const seen = framesOf(reader.text());
      // The thread has no reader now.
      await post(`${worker.url}/threads/${thread_id}/runs/wait`, { assistant_id: 'steps', input: {} });
      for (const server of [api, worker]) {
        const again = await follow(server, thread_id, '', seen.at(-1)!.id);
        await again.until(/run_done/);
        again.leave();
        expect(names(framesOf(again.text()))).toEqual(names(seen));
        expect(Number(framesOf(again.text())[0].id)).toBeGreaterThan(Number(seen.at(-1)!.id));
      }
    });

    it('reports how runs end: successfully, with an error, cancelled, rolled back', async () => {
      const thread_id = await newThread(api);
      const lifecycle = await follow(api, thread_id, '?stream_modes=lifecycle');
      const all = await follow(worker, thread_id);
      await post(`${worker.url}/threads/${thread_id}/runs/wait`, { assistant_id: 'steps', input: {} });
      await post(`${worker.url}/threads/${thread_id}/runs/wait`, { assistant_id: 'failing', input: {} });
      for (const [server, action] of [[api, 'interrupt'], [worker, 'rollback']] as const) {
        const { run_id } = await startWaiting(server, thread_id);
        await post(`${server.url}/threads/${thread_id}/runs/${run_id}/cancel?wait=1&action=${action}`);
      } // prettier-ignore
      await Promise.all([lifecycle, all].map((reader) => reader.until(/(event: run_done[^]*){4}/)));
      await deleteThread(thread_id);
      const parts = framesOf(await lifecycle.ended);
      expect(names(parts)).toEqual(Array.from({ length: 4 }, () => ['metadata', 'run_done']).flat());
      const statuses = parts.filter(({ event }) => event === 'run_done').map(({ data }) => (data as { status: string }).status);
      expect(statuses).toEqual(['success', 'error', 'interrupted', 'interrupted']);
      const errors = framesOf(await all.ended).filter(({ event }) => event === 'error').map(({ data }) => (data as { error: string }).error);
      expect(errors).toEqual(['CoffeeError', 'UserRollback']);
    }); // prettier-ignore

    it('returns the URL to resume at', async () => {
      const thread_id = await newThread(api);
      const reader = await follow(api, thread_id, '?stream_mode=["lifecycle","state_update"]');
      expect(reader.headers.location).toBe(
        `/threads/${thread_id}/stream?stream_modes=lifecycle,state_update&last_event_id=-1`,
      );
      await update(api, thread_id, {});
      await reader.until(/state_update/);
      reader.leave();
      const again = await open(api.url + reader.headers.location!, undefined, { 'last-event-id': '-' });
      await again.until(/state_update/);
      expect(framesOf(again.text())).toEqual(framesOf(reader.text()));
      again.leave();
    });

    it('is kept alive by comments', async () => {
      const reader = await follow(api, await newThread(api));
      await reader.until(/^: heartbeat\n: heartbeat\n$/);
      reader.leave();
    }); // prettier-ignore

    it.each([
      ['an unknown thread', () => 'ffffffff-0000-4000-8000-000000000000', '', 404],
      ['an invalid id', () => 'nothing', '', 422],
      ['an unknown mode', () => newThread(api), '?stream_mode=colours', 422],
      ['an empty mode', () => newThread(api), '?stream_mode=', 200],
      ['an empty list', () => newThread(api), '?stream_mode=[]', 200],
    ])('handles %s', async (_, thread, query, status) => {
      const reader = await follow(api, await thread(), query);
      expect(reader.status).toBe(status);
      reader.leave();
    });

    it('does not prevent a change whose state cannot be sent', async () => {
      const { thread_id } = await post<{ thread_id: string }>(`${api.url}/threads`, { metadata: { graph_id: 'gone' } });
      const reader = await follow(api, thread_id, '?stream_mode=state_update');
      expect(await update(api, thread_id, { a: 1 })).toMatchObject({ status: 200, json: { metadata: { a: 1 } } });
      reader.leave();
    });
  });
});

describe('the process that executes a resumable run', () => {
  const SHORT_LEASE = { NESTGRAPH_LEASE_SECS: '2', NESTGRAPH_HEARTBEAT_SECS: '0.5' };
  let database: TestDatabase;
  let survivor: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(() => killLeftovers());
  afterAll(() => database?.drop());

  /** A run inside its second node, on a server that will be stopped; read there and in a second process. */
  async function startDoomed(env: Record<string, string> = {}) {
    const doomed = await startServer({ database, command: 'start', env: { ...SHORT_LEASE, ...env } });
    const thread_id = await newThread(doomed);
    const gate = newGate();
    const input = { gate: gate.path, label: 'a' };
    const body = { assistant_id: 'waiting', input, stream_mode: ['custom', 'updates'], stream_resumable: true };
    const stream = await open(`${doomed.url}/threads/${thread_id}/runs/stream`, { ...body, durability: 'sync' });
    await stream.until(/"waiting":"a"/);
    survivor = await startServer({ database, command: 'start', env: SHORT_LEASE });
    const elsewhere = await join(survivor, thread_id, runOf(stream), '-1');
    await elsewhere.until(/"waiting":"a"/);
    return { doomed, thread_id, gate, stream, elsewhere, run_id: runOf(stream) };
  }

  /** The events of a disconnected reader, and the rest, which it gets from the other process. */
  async function goOn({ stream, thread_id, run_id, gate }: Awaited<ReturnType<typeof startDoomed>>) {
    await expect(stream.ended).rejects.toThrow('broken');
    const seen = framesOf(stream.text());
    const again = await join(survivor, thread_id, run_id, lastIdIn(stream.text()));
    await again.until(/"waiting":"a"/);
    gate.open();
    const rest = framesOf(await again.ended);
    expect(names([...seen, ...rest])).toEqual(['metadata', 'updates', 'custom', 'metadata', 'custom', 'updates']);
    return { seen, rest };
  }

  it('may be killed: a client that reconnects with an id misses and repeats no event', async () => {
    const run = await startDoomed();
    const { doomed, thread_id, elsewhere, run_id } = run;
    await doomed.stop('SIGKILL');
    const { seen, rest } = await goOn(run);
    expect(rest[0].data).toEqual({ run_id, attempt: 2 });
    expect(framesOf(await elsewhere.ended)).toEqual([...seen, ...rest]);
    expect(await read(join(survivor, thread_id, run_id, '-1'))).toEqual([...seen, ...rest]);
  });

  it('disconnects its streams when it is stopped, so that its clients reconnect to another process', async () => {
    const run = await startDoomed({ BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '0' });
    await run.doomed.stop();
    const { seen, rest } = await goOn(run);
    expect(framesOf(await run.elsewhere.ended)).toEqual([...seen, ...rest]);
  });

  it('may be frozen: its own readers continue with the run that another process has taken over', async () => {
    const { doomed, thread_id, gate, stream, elsewhere, run_id } = await startDoomed();
    process.kill(doomed.pid, 'SIGSTOP');
    await elsewhere.until(/"attempt":2[^]*"waiting":"a"/);
    process.kill(doomed.pid, 'SIGCONT');
    await stream.until(/"attempt":2[^]*"waiting":"a"/);
    gate.open();
    const all = framesOf(await elsewhere.ended);
    expect(names(all)).toEqual(['metadata', 'updates', 'custom', 'metadata', 'custom', 'updates']);
    expect(framesOf(await stream.ended)).toEqual(all);
    expect(await read(join(survivor, thread_id, run_id, '-1'))).toEqual(all);
  });

  it('may have ended long ago: a server started later replays the run', async () => {
    const first = await startServer({ database, command: 'start' });
    const thread_id = await newThread(first);
    const stream = await open(`${first.url}/threads/${thread_id}/runs/stream`, STEPS);
    const original = framesOf(await stream.ended);
    await first.stop();
    survivor = await startServer({ database, command: 'start' });
    expect(await read(join(survivor, thread_id, runOf(stream), '-1'))).toEqual(original);
    expect(await read(join(survivor, thread_id, runOf(stream), original[2].id))).toEqual(original.slice(3));
    const next = await read(open(`${survivor.url}/threads/${thread_id}/runs/stream`, STEPS));
    expect(Number(next[0].id)).toBeGreaterThan(Number(original.at(-1)!.id));
  });
});
