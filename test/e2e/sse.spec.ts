import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { open, type RawResponse } from '../support/raw-response.js';
import { killLeftovers, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

let database: TestDatabase;
let project: Project;
let server: TestServer;
let gates: string;

beforeAll(async () => {
  gates = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-gates-'));
  database = await createDatabase();
  project = await createProject({ graphs: ['waiting.ts', 'steps.ts', 'failing.ts', 'ask.ts', 'flood.ts'] });
  server = await project.start({ database });
});

afterAll(async () => {
  await server?.stop();
  await killLeftovers();
  await database?.drop();
  await project?.remove();
  rmSync(gates, { recursive: true, force: true });
});

/** Opening this gate ends a run of the graph `waiting`. */
function newGate() {
  const file = path.join(gates, randomUUID());
  const body = { assistant_id: 'waiting', input: { gate: file, label: 'a' }, stream_mode: 'custom' };
  return { body, open: () => writeFileSync(file, '') };
}

async function newThread(): Promise<string> {
  const { json } = await sendJson(`${server.url}/threads`, {});
  return (json as { thread_id: string }).thread_id;
}

const stream = (body: object, thread_id?: string): Promise<RawResponse> =>
  open(`${server.url}${thread_id ? `/threads/${thread_id}` : ''}/runs/stream`, body);

/** The run id in the headers of a response. */
const runOf = ({ headers }: RawResponse): string => /[^/]+$/.exec(headers['content-location'] ?? '')![0];

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const STEPS = { assistant_id: 'steps', input: {}, stream_mode: ['updates', 'custom'] };

describe('the headers of a stream', () => {
  const EXPECTED = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  };

  it('set the content type and forbid caching, compression and buffering', async () => {
    const response = await open(`${server.url}/runs/stream`, STEPS, { 'accept-encoding': 'gzip, br' });
    await response.ended;

    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject(EXPECTED);
    expect(response.headers).not.toHaveProperty('content-encoding');
    expect(response.headers).not.toHaveProperty('content-length');
  });

  it('are the same when a stream is joined', async () => {
    const thread_id = await newThread();
    const first = await stream({ ...STEPS, stream_resumable: true }, thread_id);
    await first.ended;
    const joined = await open(`${server.url}${first.headers.location}`);

    expect(joined.status).toBe(200);
    expect(joined.headers).toMatchObject({
      ...EXPECTED,
      location: first.headers.location,
      'content-location': first.headers['content-location'],
    });
    await joined.ended;
  });

  it('arrive before the first event, even when the run is queued on its thread', async () => {
    const thread_id = await newThread();
    const gate = newGate();
    const first = await stream(gate.body, thread_id);
    await first.until(/"waiting":"a"/);

    const second = await stream({ ...STEPS, multitask_strategy: 'enqueue' }, thread_id);
    expect(second.headers).toMatchObject({ ...EXPECTED, location: expect.any(String) });
    expect(second.text()).not.toContain('event:');
    expect(first.text()).not.toContain('"b:end"');

    gate.open();
    expect(await second.ended).toContain('event: metadata\n');
    await first.ended;
  });

  it.each(['stream', 'wait'])('end with the run id: %s on a thread', async (verb) => {
    const thread_id = await newThread();
    const response = await open(`${server.url}/threads/${thread_id}/runs/${verb}`, STEPS);
    await response.ended;
    const { location, 'content-location': contentLocation } = response.headers;

    expect(contentLocation).toMatch(new RegExp(`^/threads/${thread_id}/runs/${UUID}$`));
    expect(location).toBe(`${contentLocation}/${verb === 'wait' ? 'join' : 'stream'}`);
  });

  it.each(['stream', 'wait'])('end with the run id: stateless %s', async (verb) => {
    const response = await open(`${server.url}/runs/${verb}`, STEPS);
    await response.ended;
    const { location, 'content-location': contentLocation } = response.headers;

    expect(contentLocation).toMatch(new RegExp(`^/runs/${UUID}$`));
    expect(location).toBe(`${contentLocation}/${verb === 'wait' ? 'join' : 'stream'}`);
  });

  it('contain the run id of a background run, too', async () => {
    const thread_id = await newThread();
    for (const [prefix, root] of [
      [`/threads/${thread_id}/runs`, `/threads/${thread_id}/runs`],
      ['/runs', '/runs'],
    ]) {
      const response = await open(`${server.url}${prefix}`, STEPS);
      const { run_id } = JSON.parse(await response.ended) as { run_id: string };
      expect(response.headers['content-location']).toBe(`${root}/${run_id}`);
    }
  });

  it('lead to the output: the Location of a stateless run can be read', async () => {
    for (const verb of ['stream', 'wait']) {
      const response = await open(`${server.url}/runs/${verb}`, STEPS);
      const body = await response.ended;
      const again = await send(`${server.url}${response.headers.location}`, { headers: { 'last-event-id': '-1' } });

      expect(again.status).toBe(200);
      expect(again.text).toBe(body);
    }
  });
});

describe('the bytes of a stream', () => {
  it('are exactly these', async () => {
    const response = await stream(STEPS);
    const run_id = runOf(response);

    expect(await response.ended).toBe(
      [
        `event: metadata\ndata: {"run_id":"${run_id}","attempt":1}\n\n`,
        'event: custom\ndata: {"at":"one"}\n\n',
        'event: updates\ndata: {"one":{"path":["one"]}}\n\n',
        'event: custom\ndata: {"at":"two"}\n\n',
        'event: updates\ndata: {"two":{"path":["two"]}}\n\n',
        'event: custom\ndata: {"at":"three"}\n\n',
        'event: updates\ndata: {"three":{"path":["three"]}}\n\n',
      ].join(''),
    );
  });

  it('are the same on a thread', async () => {
    const [one, other] = [await stream(STEPS), await stream(STEPS, await newThread())];
    const anonymous = async (response: RawResponse): Promise<string> =>
      (await response.ended).replace(runOf(response), 'RUN');

    expect(await anonymous(other)).toBe(await anonymous(one));
  });

  it('have unique, ascending ids when the stream is resumable', async () => {
    const response = await stream({ ...STEPS, stream_resumable: true });
    const frames = (await response.ended).split('\n\n').filter(Boolean);
    const ids = frames.map((frame) => /^event: \S+\ndata: .+\nid: (\S+)$/.exec(frame)?.[1]);

    expect(frames).toHaveLength(7);
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(7);
    const inOrder = new Intl.Collator('en', { numeric: true });
    expect(ids.toSorted((a, b) => inOrder.compare(a!, b!))).toEqual(ids);
  });

  it('have no ids when it is not resumable', async () => {
    const response = await stream({ ...STEPS, stream_resumable: false });

    expect(await response.ended).not.toMatch(/^id:/m);
  });

  it('keep every event on one line with any content', async () => {
    const text = 'one\ntwo\r\nthree\u2028four\u0085five "six" \\ \u0000 \ud83d\ude80 ümlaut';
    const question = { assistant_id: 'ask', input: { question: text }, stream_mode: 'values' };
    const body = await (await stream(question)).ended;
    const frames = body.split('\n\n').filter(Boolean);

    for (const frame of frames) {
      expect(frame).toMatch(/^event: [\w/|]+\ndata: [^\r\n]+$/);
    }
    const values = frames.map((frame) => JSON.parse(/^data: ([^\n]*)$/m.exec(frame)![1]) as { question?: string });
    expect(values.map(({ question }) => question)).toContain(text);
  });

  it.each([
    ['success', { assistant_id: 'steps', input: {}, stream_mode: 'values' }, 'values'],
    ['an interrupt', { assistant_id: 'ask', input: { question: '?' }, stream_mode: 'values' }, 'values'],
    ['an interrupt in updates', { assistant_id: 'ask', input: { question: '?' }, stream_mode: 'updates' }, 'updates'],
    ['a failure', { assistant_id: 'failing', input: {}, stream_mode: 'values' }, 'error'],
  ])('end with an event with data, after %s', async (_name, body, last) => {
    for (const thread_id of [undefined, await newThread()]) {
      const text = await (await stream(body, thread_id)).ended;
      const frames = text.split('\n\n').filter(Boolean);

      expect(text.endsWith('\n\n')).toBe(true);
      expect(frames.at(-1)).toMatch(new RegExp(`^event: ${last}\ndata: \\{.+\\}$`));
      expect(text).not.toMatch(/^event: end$/m);
    }
  });

  it('report a failure in the last event, after all others', async () => {
    const text = await (await stream({ assistant_id: 'failing', input: {}, stream_mode: 'updates' })).ended;

    expect(text.split('\n\n').slice(-3)).toEqual([
      'event: updates\ndata: {"first":{"started":true}}',
      'event: error\ndata: {"error":"CoffeeError","message":"out of beans"}',
      '',
    ]);
  });
});

describe('silence', () => {
  it('on a stream is filled with comments without a blank line, about every five seconds', async () => {
    const gate = newGate();
    const response = await stream(gate.body);
    await response.until(/: heartbeat\n: heartbeat\n/);
    gate.open();
    const text = await response.ended;

    const frames = [
      `event: metadata\ndata: {"run_id":"${runOf(response)}","attempt":1}\n\n`,
      'event: custom\ndata: {"waiting":"a"}\n\n',
    ];
    expect(text.replace(/(: heartbeat\n)+$/, '')).toBe(frames.join(''));
    const beats = response.arrivals.filter(({ chunk }) => chunk === ': heartbeat\n');
    const quiet = beats[1].at - beats[0].at;
    expect(quiet).toBeGreaterThan(4_000);
  });

  it('on a stream that has not started is filled too', async () => {
    const thread_id = await newThread();
    const gate = newGate();
    const first = await stream(gate.body, thread_id);
    const second = await stream(STEPS, thread_id);
    await second.until(/^: heartbeat\n$/);
    gate.open();

    expect(await second.ended).toMatch(/^(: heartbeat\n)+event: metadata\n/);
    await first.ended;
  });

  it.each(['wait', 'join'])(
    'of a %s is filled with newlines, which JSON parsers skip',
    async (verb) => {
      const thread_id = await newThread();
      const gate = newGate();
      let response: RawResponse;
      if (verb === 'wait') {
        response = await open(`${server.url}/threads/${thread_id}/runs/wait`, gate.body);
      } else {
        const run = await sendJson(`${server.url}/threads/${thread_id}/runs`, gate.body);
        const { run_id } = run.json as { run_id: string };
        response = await open(`${server.url}/threads/${thread_id}/runs/${run_id}/join`);
      }
      expect(response.status).toBe(200);
      expect(response.headers['content-type']).toContain('application/json');
      expect(response.headers.location).toMatch(new RegExp(`^/threads/${thread_id}/runs/${UUID}/join$`));
      await response.until(/^\s+$/);
      gate.open();
      const text = await response.ended;

      expect(text).toMatch(/^\n+\{/);
      expect(JSON.parse(text)).toMatchObject({ label: 'a', order: ['a:start', 'a:end'] });
    },
    40_000,
  );
});

describe('a client that disconnects', () => {
  const statusOf = async (run_id: string): Promise<string | undefined> => {
    const query = 'SELECT status FROM runs WHERE run_id = $1';
    return (await database.pool.query<{ status: string }>(query, [run_id])).rows[0]?.status;
  };

  const ended = (run_id: string): Promise<string | undefined> =>
    askUntil(
      () => statusOf(run_id),
      (status) => status !== 'running' && status !== 'pending',
    );

  /** Streams a run that waits at its gate, then disconnects. */
  async function leaveStream(on_disconnect: string | undefined, thread_id?: string) {
    const gate = newGate();
    const response = await stream({ ...gate.body, on_disconnect, stream_resumable: true }, thread_id);
    await response.until(/"waiting"/);
    response.leave();
    return { gate, response, run_id: runOf(response) };
  }

  it('cancels its run with on_disconnect=cancel, and not with continue or by default', async () => {
    const kept = await leaveStream('continue', await newThread());
    const keptByDefault = await leaveStream(undefined, await newThread());
    const thread_id = await newThread();
    const cancelled = await leaveStream('cancel', thread_id);

    expect(await ended(cancelled.run_id)).toBe('interrupted');
    const { json } = await askUntil(
      () => send(`${server.url}/threads/${thread_id}`),
      ({ json }) => (json as { status: string }).status !== 'busy',
    );
    expect(json).toMatchObject({ status: 'idle', values: { order: ['a:start'] } });
    // They disconnected earlier and would have been cancelled earlier.
    for (const { gate, run_id } of [kept, keptByDefault]) {
      expect(await statusOf(run_id)).toBe('running');
      gate.open();
      expect(await ended(run_id)).toBe('success');
    }
  });

  it('cancels its stateless run', async () => {
    const { run_id } = await leaveStream('cancel');

    expect(await ended(run_id)).toBe('interrupted');
  });

  it.each([
    ['wait', 'POST'],
    ['join', 'GET'],
    ['join_stream', 'GET'],
  ])('cancels its run when it requested that: %s', async (verb) => {
    const thread_id = await newThread();
    const gate = newGate();
    let response: RawResponse;
    let run_id: string;
    if (verb === 'wait') {
      const body = { ...gate.body, on_disconnect: 'cancel' };
      response = await open(`${server.url}/threads/${thread_id}/runs/wait`, body);
      run_id = /runs\/([^/]+)\/join$/.exec(response.headers.location!)![1]!;
    } else {
      const run = await sendJson(`${server.url}/threads/${thread_id}/runs`, gate.body);
      run_id = (run.json as { run_id: string }).run_id;
      const target = verb === 'join' ? 'join' : 'stream';
      response = await open(`${server.url}/threads/${thread_id}/runs/${run_id}/${target}?cancel_on_disconnect=1`);
    }
    await askUntil(
      () => statusOf(run_id),
      (status) => status === 'running',
    );
    response.leave();

    expect(await ended(run_id)).toBe('interrupted');
  });

  it('cancels a run that is still queued on its thread', async () => {
    const thread_id = await newThread();
    const gate = newGate();
    const first = await stream(gate.body, thread_id);
    const second = await stream({ ...newGate().body, on_disconnect: 'cancel' }, thread_id);
    second.leave();

    expect(await ended(runOf(second))).toBe('interrupted');
    gate.open();
    expect(await first.ended).toContain('"waiting":"a"');
    expect(await ended(runOf(first))).toBe('success');
  });

  it('and reconnects at once keeps its run, and misses no event', async () => {
    const thread_id = await newThread();
    const first = await leaveStream('cancel', thread_id);
    const again = await open(`${server.url}${first.response.headers.location}`, undefined, { 'last-event-id': '-1' });
    await again.until(/"waiting"/);
    // Disconnected later, and cancelled: the grace period of the first one has passed as well.
    const other = await leaveStream('cancel', await newThread());
    expect(await ended(other.run_id)).toBe('interrupted');

    expect(await statusOf(first.run_id)).toBe('running');
    first.gate.open();
    expect(await again.ended).toContain(first.response.text());
    expect(await ended(first.run_id)).toBe('success');
  });

  it('does not affect another reader of the same run', async () => {
    const thread_id = await newThread();
    const gate = newGate();
    const first = await stream({ ...gate.body, on_disconnect: 'cancel' }, thread_id);
    await first.until(/"waiting"/);
    const second = await open(`${server.url}${first.headers.location}`, undefined, { 'last-event-id': '-1' });
    await second.until(/"waiting"/);
    first.leave();
    const other = await leaveStream('cancel', await newThread());
    expect(await ended(other.run_id)).toBe('interrupted');
    gate.open();

    await second.ended;
    expect(await ended(runOf(first))).toBe('success');
  });
});

describe('a slow reader', () => {
  /** The numbers of the custom events. */
  const numbersIn = (text: string): number[] =>
    [...text.matchAll(/^data: \{"number":(\d+),/gm)].map(([, number]) => Number(number));

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

  async function finished(thread_id: string): Promise<void> {
    await askUntil(
      () => send(`${server.url}/threads/${thread_id}`),
      ({ json }) => (json as { status: string }).status !== 'busy',
    );
  }

  it('loses no event and delays no other client', async () => {
    const thread_id = await newThread();
    const input = { count: 3_000, size: 10_000 };
    const slow = await stream({ assistant_id: 'flood', input, stream_mode: 'custom' }, thread_id);
    slow.pause();
    // The run ends although its client reads nothing, and other clients are served.
    await finished(thread_id);
    expect(slow.text().length).toBeLessThan(3_000 * 10_000);
    slow.resume();

    expect(numbersIn(await slow.ended)).toEqual(upTo(3_000));
  });

  it('of a resumable run loses no event when it falls far behind the events in memory', async () => {
    const thread_id = await newThread();
    const body = { assistant_id: 'flood', input: { count: 20_000, size: 2_000 }, stream_mode: 'custom' };
    const slow = await stream({ ...body, stream_resumable: true }, thread_id);
    slow.pause();
    await finished(thread_id);
    const taken = slow.text().length;
    expect(taken).toBeLessThan(20_000 * 2_000);
    slow.resume();
    const text = await slow.ended;

    expect(numbersIn(text)).toEqual(upTo(20_000));
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(upTo(20_001));
  });

  it('that is too slow gets an error event instead of a stream with a gap', async () => {
    const thread_id = await newThread();
    const input = { count: 60_000, size: 1_000 };
    const slow = await stream({ assistant_id: 'flood', input, stream_mode: 'custom' }, thread_id);
    slow.pause();
    await finished(thread_id);
    slow.resume();
    const text = await slow.ended;
    const numbers = numbersIn(text);

    expect(numbers).toEqual(upTo(numbers.length));
    expect(numbers.length).toBeLessThan(60_000);
    expect(text.split('\n\n').at(-2)).toMatch(/^(?:: heartbeat\n)*event: error\ndata: \{"error":"StreamGap",/);
  });
});
