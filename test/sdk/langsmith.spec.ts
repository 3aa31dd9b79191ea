import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send } from '../support/http.js';
import { type FakeLangSmith, fakeLangSmith, linkFor, type TracedRun } from '../support/langsmith.js';
import { startServer, type TestServer } from '../support/server.js';
import {
  addingClient,
  type Client,
  collect,
  connect,
  dataOf,
  names,
  newGate,
  newThread,
  readUntil,
  refusal,
  SDKS,
} from '../support/sdk.js';

const KEYS = ['helpful', 'polite'];
const ALL = { path: ['one', 'two', 'three'] };

const linksOf = (run_id: string): object => Object.fromEntries(KEYS.map((key) => [key, linkFor(run_id, key)]));

let database: TestDatabase;
let langsmith: FakeLangSmith;

const start = (env: Record<string, string> = {}, own = database): Promise<TestServer> =>
  startServer({ database: own, env: { LANGSMITH_API_KEY: 'secret-key', LANGSMITH_ENDPOINT: langsmith.url, ...env } });

beforeAll(async () => {
  database = await createDatabase();
  langsmith = await fakeLangSmith();
});
beforeEach(() => {
  langsmith.mood = 'well';
  langsmith.warmUpMs = 0;
  langsmith.tokens.splice(0);
  langsmith.runs.splice(0);
});
afterAll(async () => {
  await langsmith?.stop();
  await database?.drop();
});

describe('feedback links', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server?.stop();
  });

  describe.each(SDKS)('with SDK %s', (_, Client) => {
    let client: Client;
    let thread_id: string;

    beforeAll(() => {
      client = connect(Client, server.url);
    });
    beforeEach(async () => {
      thread_id = await newThread(client);
    });

    const newestRun = async (): Promise<string> => (await client.runs.list(thread_id))[0].run_id;

    it('are the last event of a stream, one for each key', async () => {
      const payload = { input: {}, feedbackKeys: [...KEYS, KEYS[0]], streamMode: 'updates' as const };
      const parts = await collect(client.runs.stream(thread_id, 'steps', payload));
      expect(names(parts)).toEqual(['metadata', 'updates', 'updates', 'updates', 'feedback']);
      expect(dataOf(parts, 'feedback')).toEqual([linksOf(await newestRun())]);
      expect(langsmith.tokens.map(({ feedback_key }) => feedback_key).sort()).toEqual(KEYS);
      expect([...langsmith.keys]).toEqual(['secret-key']);
    });

    it('come before the error when the run fails', async () => {
      const parts = await collect(client.runs.stream(thread_id, 'failing', { input: {}, feedbackKeys: KEYS }));
      expect(names(parts).slice(-2)).toEqual(['feedback', 'error']);
    });

    it('are in every stream of the run, whatever its modes are', async () => {
      const payload = { input: {}, feedbackKeys: KEYS, streamResumable: true };
      const parts = await collect(client.runs.stream(thread_id, 'steps', payload));
      const options = { lastEventId: '-1', streamMode: 'custom' as const };
      const again = await collect(client.runs.joinStream(thread_id, await newestRun(), options));
      expect(names(again)).toEqual(['metadata', 'feedback']);
      expect(again[1].data).toEqual(dataOf(parts, 'feedback')[0]);
    });

    it('are in the answers of wait and join', async () => {
      const { runs } = addingClient(Client, server.url, { feedback_keys: KEYS });
      const answer = await runs.wait(thread_id, 'steps', { input: {} });
      const run_id = await newestRun();
      expect(answer).toEqual({ ...ALL, __feedback__: linksOf(run_id) });
      expect(await client.runs.join(thread_id, run_id)).toEqual(answer);
      expect((await client.threads.get(thread_id)).values).toEqual(ALL);
      expect(langsmith.tokens).toHaveLength(KEYS.length);
    });

    it('are in the answers of runs that stop for a question, and of those that fail', async () => {
      const { runs } = addingClient(Client, server.url, { feedback_keys: KEYS });
      const asked = await runs.wait(thread_id, 'ask', { input: { question: 'why?' } });
      expect(asked).toMatchObject({ __interrupt__: [{}], __feedback__: linksOf(await newestRun()) });
      expect(await client.runs.join(thread_id, await newestRun())).toEqual(asked);
      const failed = await runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
      expect(failed).toEqual({
        __error__: { error: 'CoffeeError', message: 'out of beans' },
        __feedback__: linksOf(await newestRun()),
      });
      expect(await client.runs.join(thread_id, await newestRun())).toEqual(failed);
    });

    it('are in the answers of stateless runs', async () => {
      const { runs } = addingClient(Client, server.url, { feedback_keys: KEYS });
      expect(await runs.wait(null, 'steps', { input: {} })).toEqual({ ...ALL, __feedback__: expect.anything() });
      const { run_id } = await runs.create(null, 'steps', { input: {} });
      const { json } = await send(`${server.url}/runs/${run_id}/join`);
      expect(json).toEqual({ ...ALL, __feedback__: linksOf(run_id) });
    });

    it('are not made for a run that is cancelled', async () => {
      const { runs } = addingClient(Client, server.url, { feedback_keys: KEYS });
      const input = { gate: newGate().path, label: 'a' };
      const { run_id } = await runs.create(thread_id, 'waiting', { input, streamMode: ['custom'] });
      await readUntil(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }), 'custom');
      await client.runs.cancel(thread_id, run_id, true);
      expect(langsmith.tokens).toEqual([]);
    });

    it('are left out when LangSmith refuses them', async () => {
      langsmith.mood = 'failing';
      const parts = await collect(client.runs.stream(thread_id, 'steps', { input: {}, feedbackKeys: KEYS }));
      expect(names(parts)).not.toContain('feedback');
      expect(dataOf(parts, 'values').at(-1)).toEqual(ALL);
      const run_id = await newestRun();
      expect(await client.runs.join(thread_id, run_id)).toEqual(ALL);
      await server.printed(new RegExp(`WARN \\[LangSmith\\] run_id=${run_id} ends without feedback links: `));
    });

    it.each([
      ['a string', 'helpful'],
      ['a list of numbers', [1]],
      ['101 texts', Array.from({ length: 101 }, () => 'helpful')],
    ])('are refused for %s instead of keys', async (_name, keys) => {
      const { runs } = addingClient(Client, server.url, { feedback_keys: keys });
      await expect(runs.create(thread_id, 'steps', { input: {} })).rejects.toMatchObject(
        refusal(422, 'validation_failed'),
      );
    });
  });

  it('do not keep a run waiting for a LangSmith that does not answer', async () => {
    langsmith.mood = 'silent';
    const client = connect(SDKS[0][1], server.url);
    const thread_id = await newThread(client);
    const payload = { input: {}, feedbackKeys: KEYS };
    const begin = Date.now();
    const ended = collect(client.runs.stream(thread_id, 'steps', payload));
    // Meanwhile other runs have their turn.
    expect(await client.runs.wait(null, 'steps', { input: {} })).toEqual(ALL);
    expect(dataOf(await ended, 'values').at(-1)).toEqual(ALL);
    expect(Date.now() - begin).toBeLessThan(15_000);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: ALL });
  });

  it('do not keep a run from being cancelled while LangSmith does not answer', async () => {
    langsmith.mood = 'silent';
    const client = connect(SDKS[0][1], server.url);
    const thread_id = await newThread(client);
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, feedbackKeys: KEYS });
    await langsmith.until(() => langsmith.tokens.length === KEYS.length);
    await client.runs.cancel(thread_id, run_id, true);
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'success' });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: ALL });
  });
});

describe('traces', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start({ LANGSMITH_TRACING: 'true', LANGSMITH_PROJECT: 'usual' });
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** Executes a run of `steps` to its end and gives its id. */
  async function execute({ runs }: Client, payload: object = {}): Promise<string> {
    let id = '';
    const onRunCreated = ({ run_id }: { run_id: string }): void => void (id = run_id);
    expect(await runs.wait(null, 'steps', { input: {}, onRunCreated, ...payload })).toEqual(ALL);
    return id;
  }

  /** What was sent of a run to a project, its nodes included. */
  const sentOf = (run_id: string, project: string): TracedRun[] =>
    langsmith.runs.filter(({ session_name, extra }) => session_name === project && extra?.metadata?.run_id === run_id);

  /** A run's trace in a project, its begin and its end put together; resolves when both have been sent. */
  async function traceOf(run_id: string, project: string): Promise<TracedRun> {
    const trace = (): TracedRun =>
      Object.assign({}, ...sentOf(run_id, project).filter((run) => !run.parent_run_id)) as TracedRun;
    await langsmith.until(() => trace().end_time !== undefined);
    return trace();
  }

  describe.each(SDKS)('with SDK %s', (_, Client) => {
    const client = (langsmith_tracer?: object): Client => addingClient(Client, server.url, { langsmith_tracer });

    it('go to the project of the server', async () => {
      const run_id = await execute(client());
      expect(await traceOf(run_id, 'usual')).toMatchObject({
        id: run_id,
        extra: { metadata: { graph_id: 'steps', run_attempt: 1 } },
      });
    });

    it('go to the project that the request names as well, and belong to its example there', async () => {
      const example_id = randomUUID();
      const run_id = await execute(client({ project_name: 'experiment', example_id }));
      const [usual, copy] = [await traceOf(run_id, 'usual'), await traceOf(run_id, 'experiment')];
      expect(usual.id).toBe(run_id);
      expect(usual.reference_example_id).toBeUndefined();
      expect(copy.id).not.toBe(run_id);
      expect(copy.reference_example_id).toBe(example_id);
      const children = sentOf(run_id, 'experiment').filter(({ parent_run_id }) => parent_run_id === copy.id);
      expect(children.map(({ name }) => name)).toEqual(expect.arrayContaining(['one', 'two', 'three']));
    });

    it('belong to an example in the usual project when the request names no other', async () => {
      for (const project_name of [undefined, 'usual']) {
        const example_id = randomUUID();
        const run_id = await execute(client({ project_name, example_id }));
        expect(await traceOf(run_id, 'usual')).toMatchObject({ id: run_id, reference_example_id: example_id });
      }
    });

    it('are told to the graph, and to no later run', async () => {
      const id = await newThread(connect(Client, server.url));
      const langsmith_tracer = { project_name: 'experiment', example_id: randomUUID() };
      const read = async (traced: Client): Promise<unknown> =>
        ((await traced.runs.wait(id, 'settings', { input: {} })) as { configurable: unknown }).configurable;
      expect(await read(client(langsmith_tracer))).toMatchObject({
        langsmith_project: 'experiment',
        langsmith_example_id: langsmith_tracer.example_id,
      });
      expect(await read(client())).not.toHaveProperty('langsmith_project');
    });

    it('need an example with an id', async () => {
      const run = client({ example_id: 'first' }).runs.create(null, 'steps', { input: {} });
      await expect(run).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });
  });

  it('are sent as the SDK describes them', async () => {
    const _langsmithTracer = { projectName: 'experiment', exampleId: randomUUID() };
    const run_id = await execute(connect(SDKS[0][1], server.url), { _langsmithTracer });
    expect(await traceOf(run_id, 'experiment')).toMatchObject({ reference_example_id: _langsmithTracer.exampleId });
  });

  describe('of a server that stops', () => {
    let own: TestDatabase;

    beforeAll(async () => {
      // Of its own: no other server executes its runs.
      own = await createDatabase();
    });
    afterAll(() => own.drop());

    it('are all sent before', async () => {
      langsmith.warmUpMs = 1_000;
      const other = await start({ LANGCHAIN_TRACING_V2: 'true', LANGSMITH_PROJECT: 'last' }, own);
      const run_id = await execute(connect(SDKS[0][1], other.url));
      await other.stop();
      expect(sentOf(run_id, 'last').some((run) => !run.parent_run_id && run.end_time)).toBe(true);
    });

    it('make neither it nor its runs wait when LangSmith is unavailable', async () => {
      const away = { LANGSMITH_ENDPOINT: 'http://127.0.0.1:9', LANGSMITH_TRACING: 'true' };
      const other = await start(away, own);
      const begin = Date.now();
      await execute(connect(SDKS[0][1], other.url));
      expect(await other.stop()).toBe(0);
      expect(Date.now() - begin).toBeLessThan(15_000);
    });
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['with a key', {}, true],
    ['with tracing', { LANGSMITH_TRACING: 'true' }, true],
    ['without tracing, in so many words', { LANGCHAIN_TRACING_V2: 'false' }, false],
    ['without a key', { LANGSMITH_API_KEY: '', LANGSMITH_TRACING: '' }, false],
  ])('are a flag of the server, %s', async (_name, env, flag) => {
    const other = await start(env);
    try {
      expect((await send(`${other.url}/info`)).json).toMatchObject({ flags: { langsmith: flag } });
      expect(other.output()).not.toContain('secret-key');
    } finally {
      await other.stop();
    }
  });

  it('leave no key of LangSmith in the database', async () => {
    await execute(addingClient(SDKS[0][1], server.url, { langsmith_tracer: { project_name: 'experiment' } }));
    const { rows } = await database.pool.query<{ row: string }>('SELECT r::text AS row FROM runs r');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ row }) => row).join()).not.toContain('secret-key');
  });
});
