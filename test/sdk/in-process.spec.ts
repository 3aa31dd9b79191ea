import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import { startServer, type TestServer } from '../support/server.js';
import { type Client, collect, connect, newGate, newThread, SDKS, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const [[, NewestClient]] = SDKS;

interface Called {
  called: string;
  data: unknown;
}

describe.each(SDKS.map(([sdk]) => sdk))('a graph that calls its server with SDK %s', (sdk) => {
  const server = serverForFile();
  let client: Client;

  beforeAll(() => {
    client = connect(NewestClient, server.url);
  });

  const call = async (input: object): Promise<unknown> =>
    ((await client.runs.wait(null, 'calling', { input: { sdk, ...input } })) as { answer: unknown }).answer;

  it('gets the answers of other runs', async () => {
    expect(await call({ graph: 'steps', input: {} })).toEqual({ path: ['one', 'two', 'three'] });
  });

  it('reads, writes and deletes, and learns of refusals', async () => {
    expect(await call({})).toEqual({ found: 1, gone: 404 });
  });

  it('is told of failures of the run it asks for', async () => {
    const { answer } = (await client.runs.wait(null, 'calling', {
      input: { sdk, graph: 'failing', input: {} },
      raiseError: false,
    })) as { answer?: unknown; __error__?: { message: string } };
    expect(answer).toBeUndefined();
    await expect(call({ graph: 'failing', input: {} })).rejects.toThrow('Error: ');
  });

  it('reads the stream of another run while it continues, and keeps it separate from its own', async () => {
    const gate = newGate();
    const thread_id = await newThread(client);
    const input = { sdk, thread_id, graph: 'waiting', input: { gate: gate.path, label: 'a' } };
    const parts: unknown[] = [];
    for await (const { event, data } of client.runs.stream(null, 'calling', { input, streamMode: 'custom' })) {
      if (event === 'custom') {
        parts.push(data);
        if ((data as Called).called === 'custom') {
          // The other run has said that it waits; it ends only now.
          gate.open();
        }
      }
    }
    const events = (parts as Called[]).map(({ called }) => called);
    expect(events).toEqual(['metadata', 'values', 'values', 'custom', 'values']);
    expect((parts as Called[])[3].data).toEqual({ waiting: 'a' });
    expect(await client.threads.get(thread_id)).toMatchObject({
      status: 'idle',
      values: { order: ['a:start', 'a:end'] },
    });
  });

  it('leaves the stream of another run, which is cancelled then', async () => {
    const thread_id = await newThread(client);
    const input = { gate: newGate().path, label: 'a' };
    await call({ thread_id, graph: 'waiting', input, leaveAfter: 'custom' });
    const [{ run_id }] = await client.runs.list(thread_id);
    await askUntil(
      () => client.runs.get(thread_id, run_id),
      ({ status }) => status === 'interrupted',
    );
  });
});

describe('what a graph finds around it', () => {
  let database: TestDatabase;
  let server: TestServer | undefined;
  let project: Project | undefined;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await server?.stop();
    await project?.remove();
    server = project = undefined;
  });
  afterAll(() => database.drop());

  const look = async ({ url }: TestServer): Promise<unknown> =>
    connect(NewestClient, url).runs.wait(null, 'surroundings', { input: {} });

  it('is a log that is the log of the server, and tells which run speaks', async () => {
    server = await startServer({ database });
    const client = connect(NewestClient, server.url);
    const thread_id = await newThread(client);
    await collect(client.runs.stream(thread_id, 'surroundings', { input: {} }));
    const [{ run_id }] = await client.runs.list(thread_id);
    await server.printed(/Found/);
    const [loaded, looking, found, ...more] = server
      .output()
      .split('\n')
      .filter((line) => line.includes('[Graph]'));
    expect(loaded).toMatch(/LOG \[Graph\] Surroundings are loaded \{ colour: 'blue' \}$/);
    const speaker = `graph_id=surroundings run_id=${run_id} thread_id=${thread_id} langgraph_node=look`;
    expect(looking).toMatch(/WARN \[Graph\] Looking around /);
    expect(looking).toContain(speaker);
    expect(found).toMatch(/ERROR \[Graph\] Found Error: a stone$/);
    // The info level leaves out what is said in detail.
    expect(more).toEqual([]);
    expect(server.output()).toMatch(/^ {4}at .*surroundings/m);
  });

  it('is the address of its server, also while it is loaded', async () => {
    server = await startServer({ database, listen: [] });
    const address = { url: server.url, port: new URL(server.url).port };
    expect(await look(server)).toEqual({ whenLoaded: address, now: address, mode: 'development' });
  });

  it('is the address that the system has chosen, once it is known', async () => {
    server = await startServer({ database, command: 'start', env: { MOUNT_PREFIX: '/api' } });
    const address = { url: server.url, port: new URL(server.url).port };
    expect(server.url).toMatch(/\/api$/);
    expect(await look(server)).toEqual({ whenLoaded: {}, now: address });
  });

  it('is the configured address, and the port of the server', async () => {
    const url = 'https://graphs.example/api';
    server = await startServer({ database, env: { LANGGRAPH_API_URL: url } });
    const { now } = (await look(server)) as { now: unknown };
    expect(now).toEqual({ url, port: new URL(server.url).port });
  });

  it('is a server with a prefix too', async () => {
    server = await startServer({ database, env: { MOUNT_PREFIX: '/api' } });
    const input = { sdk: '1.15.0', graph: 'steps', input: {} };
    expect(await connect(NewestClient, server.url).runs.wait(null, 'calling', { input })).toMatchObject({
      answer: { path: ['one', 'two', 'three'] },
    });
  });

  it('is the API of another process for the graphs of a worker', async () => {
    server = await startServer({ database, env: { N_JOBS_PER_WORKER: '0' } });
    const worker = await startServer({ database, command: 'worker', env: { LANGGRAPH_API_URL: server.url } });
    try {
      const client = connect(NewestClient, server.url);
      const input = { sdk: '2.0.0', graph: '' };
      const { thread_id, run_id } = await client.runs.create(null, 'calling', { input, onCompletion: 'complete' });
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ answer: { found: 1, gone: 404 } });
    } finally {
      await worker.stop();
    }
  });

  it('cannot be called before it has started', async () => {
    const early = `
      await globalThis[Symbol.for('langgraph_api:fetch')]('/assistants/search', { method: 'POST' });
      export const graph = {};`;
    const langgraph = { graphs: { early: './early.mjs:graph' } };
    project = await createProject({ files: { 'early.mjs': early, 'langgraph.json': langgraph } });
    const { code, output } = await project.run(['start', '--port', '0'], { database });
    expect(code).toBe(1);
    expect(output).toContain('The server has not started yet. Call it from nodes');
  });
});
