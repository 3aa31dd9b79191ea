import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { send, sendJson } from '../support/http.js';
import { open } from '../support/raw-response.js';
import { type FakeRedis, REDIS_PASSWORD, startRedis } from '../support/redis.js';
import {
  type Client,
  type ClientClass,
  collect,
  connect,
  newGate,
  newThread,
  readUntil,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';
import { startServer, type TestServer } from '../support/server.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { askUntil } from '../support/until.js';

/** An address that no other test uses. */
let last = 0;
const newAddress = (): string => `198.51.100.${++last}`;

/** The client address that a proxy reports. */
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

describe('the number of queued runs on a thread', () => {
  const MAX = 3;
  const server = serverForFile({ env: { NESTGRAPH_MAX_QUEUED_RUNS: String(MAX), N_JOBS_PER_WORKER: '4' } });

  describe.each(SDKS)('with SDK %s', (_, Client) => {
    let client: Client;
    let thread_id: string;
    const refused = refusal(429, 'too_many_queued_runs');
    const payload = { input: {} };

    beforeEach(async () => {
      client = connect(Client, server.url);
      thread_id = await newThread(client);
    });

    async function fill(): Promise<{ open: () => void }> {
      const { gate } = await startWaiting(client, thread_id);
      for (let run = 0; run < MAX; run++) {
        await client.runs.create(thread_id, 'steps', payload);
      }
      return gate;
    }

    it('is limited: further runs are refused on every route and change nothing', async () => {
      const gate = await fill();
      const before = [await client.threads.get(thread_id), await client.runs.list(thread_id)];

      await expect(client.runs.create(thread_id, 'steps', payload)).rejects.toMatchObject(refused);
      await expect(client.runs.wait(thread_id, 'steps', payload)).rejects.toMatchObject(refused);
      await expect(collect(client.runs.stream(thread_id, 'steps', payload))).rejects.toMatchObject(refused);
      const batch = [{ assistantId: 'steps' }, { assistantId: 'steps', threadId: thread_id }];
      await expect(client.runs.createBatch(batch as never)).rejects.toMatchObject(refused);
      expect([await client.threads.get(thread_id), await client.runs.list(thread_id)]).toEqual(before);
      gate.open();
    });

    it('does not limit runs that supersede others or have their own thread', async () => {
      const gate = await fill();

      await expect(client.runs.wait(null, 'steps', payload)).resolves.toHaveProperty('path');
      const run = { ...payload, multitaskStrategy: 'interrupt' as const };
      await expect(client.runs.wait(thread_id, 'steps', run)).resolves.toHaveProperty('path');
      gate.open();
    });

    it('decreases when a queued run starts', async () => {
      const gate = await fill();
      gate.open();
      const [newest] = await client.runs.list(thread_id);
      await client.runs.join(thread_id, newest.run_id);
      await expect(client.runs.create(thread_id, 'steps', payload)).resolves.toMatchObject({ thread_id });
    });

    it('is enforced under concurrent requests', async () => {
      const { gate } = await startWaiting(client, thread_id);
      const runs = await Promise.allSettled(
        Array.from({ length: 12 }, () => client.runs.create(thread_id, 'steps', payload)),
      );
      expect(runs.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX);
      gate.open();
    });

    it('includes all runs of a batch', async () => {
      const runs = Array.from({ length: MAX + 2 }, () => ({ assistantId: 'steps', threadId: thread_id }));
      await expect(client.runs.createBatch(runs as never)).rejects.toMatchObject(refused);
      expect(await client.runs.list(thread_id)).toEqual([]);
    });
  });
});

async function readOn(stream: AsyncIterator<unknown>): Promise<void> {
  let done: boolean | undefined;
  while (!done) {
    ({ done } = await stream.next());
  }
}

describe('the streams and waits of a caller', () => {
  const MAX = 2;
  const env = { NESTGRAPH_MAX_STREAMS_PER_CALLER: String(MAX), NESTGRAPH_TRUST_PROXY: 'loopback' };
  const server = serverForFile({ env });

  describe.each(SDKS)('with SDK %s', (_, Client) => {
    let client: Client;
    let thread_id: string;
    const refused = refusal(429, 'too_many_streams');

    beforeEach(async () => {
      client = connect(Client, server.url, from(newAddress()));
      thread_id = await newThread(client);
    });

    /** Opens as many as the limit allows, each through another route. */
    async function fill(): Promise<{ gate: { open: () => void }; done: Promise<unknown> }> {
      const gate = newGate();
      const run = { input: { gate: gate.path, label: 'a' }, streamMode: ['custom' as const] };
      const { run_id } = await client.runs.create(thread_id, 'waiting', run);
      const stream = client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' })[Symbol.asyncIterator]();
      await stream.next();
      const joined = client.runs.join(thread_id, run_id);
      // The client gets no signal when a wait has begun. It has begun once the next one is refused.
      await askUntil(
        () =>
          client.runs.wait(null, 'echo', { input: { messages: [] } }).then(
            () => false,
            () => true,
          ),
        Boolean,
      );
      return { gate, done: Promise.all([joined, readOn(stream)]) };
    }

    it('are limited: one more is refused before it has an effect', async () => {
      const { gate, done } = await fill();
      const payload = { input: {} };
      const before = await client.threads.count();

      await expect(client.runs.wait(thread_id, 'steps', payload)).rejects.toMatchObject(refused);
      await expect(collect(client.runs.stream(thread_id, 'steps', payload))).rejects.toMatchObject(refused);
      await expect(collect(client.runs.stream(null, 'steps', payload))).rejects.toMatchObject(refused);
      await expect(client.runs.wait(null, 'steps', payload)).rejects.toMatchObject(refused);
      expect(await client.runs.list(thread_id)).toHaveLength(1);
      expect(await client.threads.count()).toBe(before);
      gate.open();
      await done;
    });

    it('no longer count when they end', async () => {
      const { gate, done } = await fill();
      gate.open();
      await done;
      await expect(client.runs.wait(null, 'steps', { input: {} })).resolves.toHaveProperty('path');
    });

    it('no longer count when the client disconnects', async () => {
      const { gate } = await startWaiting(client, thread_id);
      const [{ run_id }] = await client.runs.list(thread_id);
      const url = `${server.url}/threads/${thread_id}/runs/${run_id}/stream?cancel_on_disconnect=false`;
      const headers = from(newAddress());
      const [first, second] = [await open(url, undefined, headers), await open(url, undefined, headers)];
      expect((await send(url, { headers })).status).toBe(429);
      first.leave();
      second.leave();
      const third = await askUntil(
        () => open(url, undefined, headers),
        ({ status }) => status === 200,
      );
      third.leave();
      gate.open();
    });

    it('do not affect other callers or other requests', async () => {
      const { gate, done } = await fill();
      const other = connect(Client, server.url, from(newAddress()));

      await expect(other.runs.wait(null, 'steps', { input: {} })).resolves.toHaveProperty('path');
      await expect(client.runs.create(thread_id, 'steps', { input: {} })).resolves.toMatchObject({ thread_id });
      await expect(client.threads.get(thread_id)).resolves.toMatchObject({ thread_id });
      gate.open();
      await done;
    });

    it('no longer count when they fail for another reason', async () => {
      for (let time = 0; time <= MAX; time++) {
        await expect(client.runs.wait(null, 'parrot', { input: {} })).rejects.toMatchObject({ status: 404 });
      }
      await expect(client.runs.wait(null, 'steps', { input: {} })).resolves.toHaveProperty('path');
    });
  });
});

describe('the requests of a caller per minute', () => {
  const MAX = 10;
  const env = { NESTGRAPH_RATE_LIMIT_PER_MINUTE: String(MAX), NESTGRAPH_TRUST_PROXY: 'loopback' };
  const server = serverForFile({ env });
  const refused = refusal(429, 'rate_limited');

  /** Sends as many requests as the limit allows. */
  const spend = (client: Client): Promise<unknown> =>
    Promise.all(Array.from({ length: MAX }, () => client.threads.count()));

  const clientAt = (Client: ClientClass, address: string, url = server.url): Client =>
    connect(Client, url, from(address));

  describe.each(SDKS)('with SDK %s', (sdk, Client) => {
    it('are limited', async () => {
      const client = clientAt(Client, newAddress());
      await spend(client);
      await expect(client.threads.count()).rejects.toMatchObject(refused);
      await expect(client.runs.wait(null, 'steps', { input: {} })).rejects.toMatchObject(refused);
      await expect(readUntil(client.runs.stream(null, 'steps', { input: {} }), 'end')).rejects.toMatchObject(refused);
    });

    it('do not affect other callers', async () => {
      await spend(clientAt(Client, newAddress()));
      await expect(clientAt(Client, newAddress()).threads.count()).resolves.toEqual(expect.any(Number));
    });

    it('do not include requests of graphs to their own server', async () => {
      for (let run = 0; run <= MAX; run++) {
        const input = { sdk, graph: 'steps', input: {} };
        const result = await clientAt(Client, newAddress()).runs.wait(null, 'calling', { input });
        expect(result).toMatchObject({ answer: { path: ['one', 'two', 'three'] } });
      }
    });
  });

  const count = (headers: Record<string, string>, path = '/threads/count') =>
    sendJson(server.url + path, {}, { headers });

  it('are refused with Retry-After and with CORS headers', async () => {
    const headers = { ...from(newAddress()), origin: 'http://localhost:3000' };
    const first = await count(headers);
    expect(first.headers.get('x-ratelimit-remaining')).toBe(String(MAX - 1));
    await Promise.all(Array.from({ length: MAX - 1 }, () => count(headers)));
    const { status, json, headers: answered } = await count(headers);

    expect(status).toBe(429);
    expect(json).toEqual({ code: 'rate_limited', detail: expect.stringContaining(`More than ${MAX} requests`) });
    const seconds = Number(answered.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(answered.get('access-control-allow-origin')).toBe(headers.origin);
    expect(answered.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('include requests to routes that do not exist', async () => {
    const headers = from(newAddress());
    await Promise.all(Array.from({ length: MAX }, () => count(headers, `/nowhere/${randomUUID()}`)));
    expect((await count(headers)).status).toBe(429);
    expect((await count(headers, '/nowhere')).status).toBe(429);
  });

  it('do not include preflights and health checks', async () => {
    const headers = from(newAddress());
    await Promise.all(Array.from({ length: MAX }, () => count(headers)));
    const preflight = { ...headers, origin: 'http://localhost:3000', 'access-control-request-method': 'POST' };

    expect((await send(`${server.url}/runs/wait`, { method: 'OPTIONS', headers: preflight })).status).toBe(204);
    expect((await send(`${server.url}/ok`, { headers })).status).toBe(200);
    expect((await send(`${server.url}/info`, { headers })).status).toBe(200);
  });

  it('are counted per network for IPv6', async () => {
    await Promise.all(Array.from({ length: MAX }, (_, host) => count(from(`2001:db8:1:2::${host + 1}`))));
    expect((await count(from('2001:db8:1:2:ffff::1'))).status).toBe(429);
    expect((await count(from('2001:db8:1:3::1'))).status).toBe(200);
  });
});

describe('an address that guesses keys', () => {
  const MAX = 5;
  const KEY = 'key-of-alice-0123456789';
  const server = serverForFile({
    env: {
      NESTGRAPH_RATE_LIMIT_PER_MINUTE: String(MAX),
      NESTGRAPH_TRUST_PROXY: 'loopback',
      NESTGRAPH_API_KEYS: `alice:${KEY}`,
    },
  });
  const ask = async (address: string, key: string, path = '/threads/count') =>
    (await sendJson(server.url + path, {}, { headers: { ...from(address), 'x-api-key': key } })).status;

  it('is blocked, even with the right key, while other addresses are not', async () => {
    const [guesser, other] = [newAddress(), newAddress()];
    for (let guess = 0; guess < MAX; guess++) {
      expect(await ask(guesser, `wrong-key-${guess}`)).toBe(401);
    }
    expect(await ask(guesser, 'wrong-key')).toBe(429);
    expect(await ask(guesser, KEY)).toBe(429);
    expect(await ask(other, KEY)).toBe(200);
    expect(await ask(other, 'wrong-key')).toBe(401);
    expect((await send(`${server.url}/ok`, { headers: from(guesser) })).status).toBe(200);
  });
});

describe('the address that a client claims', () => {
  const server = serverForFile({ env: { NESTGRAPH_RATE_LIMIT_PER_MINUTE: '5' } });

  it('is ignored unless a trusted proxy reports it', async () => {
    const statuses = [];
    for (let request = 0; request < 6; request++) {
      statuses.push((await sendJson(`${server.url}/threads/count`, {}, { headers: from(newAddress()) })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });
});

describe('processes with one Redis', () => {
  const MAX = 6;
  let database: TestDatabase;
  let redis: FakeRedis;
  let servers: TestServer[];

  beforeAll(async () => {
    [database, redis] = await Promise.all([createDatabase(), startRedis()]);
    const env = {
      NESTGRAPH_RATE_LIMIT_PER_MINUTE: String(MAX),
      NESTGRAPH_TRUST_PROXY: 'loopback',
      REDIS_URI: redis.uri,
    };
    servers = [await startServer({ database, env })];
    servers.push(await startServer({ database, env }));
  });
  afterAll(async () => {
    await Promise.all(servers?.map((server) => server.stop()) ?? []);
    await redis?.close().catch(() => undefined);
    await database?.drop();
  });

  const statusesOf = async (address: string, requests: number): Promise<number[]> => {
    const statuses = [];
    for (let request = 0; request < requests; request++) {
      const { status } = await sendJson(`${servers[request % 2].url}/threads/count`, {}, { headers: from(address) });
      statuses.push(status);
    }
    return statuses;
  };

  it('share the counter of a caller, which restarts each minute', async () => {
    const address = newAddress();
    expect(await statusesOf(address, MAX + 2)).toEqual([...Array<number>(MAX).fill(200), 429, 429]);
    expect(redis.values()).toMatchObject({ [`nestgraph:requests:${address}`]: String(MAX + 2) });
    redis.advance(60_001);
    expect(await statusesOf(address, 1)).toEqual([200]);
  });

  it('let every request pass while Redis is unavailable, and log it once without its password', async () => {
    await redis.close();
    expect(await statusesOf(newAddress(), 2 * MAX)).toEqual(Array(2 * MAX).fill(200));
    const said = servers.map((server) => server.output());
    for (const text of said) {
      expect(text.match(/Redis is unavailable/g)).toHaveLength(1);
      expect(text).not.toContain(REDIS_PASSWORD);
    }
  });
});
