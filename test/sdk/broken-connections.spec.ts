import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Proxy, startProxy } from '../support/proxy.js';
import {
  type Client,
  connect,
  dataOf,
  followThread,
  names,
  newGate,
  newThread,
  type Part,
  SDKS,
} from '../support/sdk.js';
import { startServer, type TestServer } from '../support/server.js';

describe.each(SDKS)('a connection that breaks, with SDK %s and two servers behind one address,', (_, Client) => {
  let database: TestDatabase;
  let servers: TestServer[];
  let proxy: Proxy;
  let client: Client;

  beforeAll(async () => {
    database = await createDatabase();
    servers = await Promise.all([startServer({ database }), startServer({ database })]);
  });
  beforeEach(async () => {
    proxy = await startProxy(servers[0].url);
    client = connect(Client, servers[0].url);
  });
  afterEach(() => proxy.close());
  afterAll(async () => {
    await Promise.all(servers?.map((server) => server.stop()) ?? []);
    await database?.drop();
  });

  /** Breaks the connection in the middle of a run, which continues. Returns all parts. */
  async function streamBroken(payload: object): Promise<Part[]> {
    const thread_id = await newThread(client);
    const gate = newGate();
    const parts: Part[] = [];
    const broken = connect(Client, proxy.url);
    const input = { gate: gate.path };
    for await (const part of broken.runs.stream(thread_id, 'ticking', { input, streamMode: 'custom', ...payload })) {
      parts.push(part);
      if (parts.length === 5) {
        proxy.switchTo(servers[1].url);
      } else if (parts.length === 30) {
        gate.open();
      }
    }
    return parts;
  }

  it('costs the stream of a resumable run nothing', async () => {
    const parts = await streamBroken({ streamResumable: true });
    const ticks = dataOf(parts, 'custom').map((data) => (data as { tick: number }).tick);
    expect(names(parts).slice(0, 2)).toEqual(['metadata', 'custom']);
    expect(ticks).toEqual(ticks.map((_tick, index) => index));
    expect(ticks.length).toBeGreaterThanOrEqual(29);
  });

  it('costs the stream of a resumable run nothing before its first event, too', async () => {
    const thread_id = await newThread(client);
    const gate = newGate();
    const parts: Part[] = [];
    const stream = connect(Client, proxy.url).runs.stream(thread_id, 'ticking', {
      input: { gate: gate.path },
      streamMode: 'custom',
      streamResumable: true,
      afterSeconds: 0.3,
      onRunCreated: () => proxy.switchTo(servers[1].url),
    });
    for await (const part of stream) {
      parts.push(part);
      gate.open();
    }
    expect(names(parts).slice(0, 2)).toEqual(['metadata', 'custom']);
    expect(dataOf(parts, 'custom')[0]).toEqual({ tick: 0 });
  });

  it('costs the stream of another run what came until the client was back', async () => {
    const parts = await streamBroken({});
    const ticks = dataOf(parts, 'custom').map((data) => (data as { tick: number }).tick);
    expect(ticks).toEqual(ticks.toSorted((a, b) => a - b));
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(ticks.length).toBeGreaterThanOrEqual(29);
  });

  it.each([0, 1])(
    'costs the stream of a thread nothing, whatever happens before the client is back (after %i runs)',
    async (runsBefore) => {
      const thread_id = await newThread(client);
      const follower = await followThread(Client, proxy.url, thread_id, { streamMode: ['lifecycle', 'state_update'] });
      const others = servers.map(({ url }) => connect(Client, url));
      if (runsBefore > 0) {
        await others[0].runs.wait(thread_id, 'steps', { input: {} });
        await follower.until(({ length }) => length === 3);
      }
      proxy.switchTo(servers[1].url);
      for (const other of others) {
        await other.runs.wait(thread_id, 'steps', { input: {} });
      }
      await follower.until((parts) => dataOf(parts, 'state_update').length === 2 + runsBefore);
      const run = ['metadata', 'run_done', 'state_update'];
      expect(names(follower.parts)).toEqual(Array.from({ length: 2 + runsBefore }, () => run).flat());
      const ids = follower.parts.map(({ id }) => Number(id));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      follower.leave();
    },
  );
});
