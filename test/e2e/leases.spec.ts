import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { type Gate, newGate } from '../support/sdk.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

/** A lease far shorter than what the runs below take; other processes look for expired ones every five seconds. */
const SHORT_LEASE = { NESTGRAPH_LEASE_SECS: '2', NESTGRAPH_HEARTBEAT_SECS: '0.5' };

describe('the lease of a run', () => {
  let database: TestDatabase;
  let server: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    server = await startServer({ database, command: 'start', env: SHORT_LEASE });
    other = await startServer({ database, command: 'worker', env: SHORT_LEASE });
  });
  afterEach(() => database.pool.query('DELETE FROM threads'));
  afterAll(async () => {
    await server?.stop();
    await other?.stop();
    await killLeftovers();
    await database?.drop();
  });

  const post = (path: string, body: object) => sendJson(`${server.url}${path}`, body);
  const runRow = async (run_id: string) =>
    (
      await database.pool.query<{ status: string; attempt: number }>(
        'SELECT status, attempt FROM runs WHERE run_id = $1',
        [run_id],
      )
    ).rows[0];

  it('is renewed while a graph blocks its process, so that no other process executes the run', async () => {
    const log = newGate().path;
    const { json } = await post('/threads', {});
    const { thread_id } = json as { thread_id: string };
    const body = { assistant_id: 'computing', input: { ms: 9_000, log } };
    const answer = await post(`/threads/${thread_id}/runs/wait`, body);

    expect(answer.json).toMatchObject({ done: true });
    expect(readFileSync(log, 'utf8')).toBe('executed\n');
    const { rows } = await database.pool.query('SELECT status, attempt FROM runs WHERE thread_id = $1', [thread_id]);
    expect(rows).toEqual([{ status: 'success', attempt: 1 }]);
  });

  it('goes to another process when its own is frozen, whose later writes are rejected', async () => {
    const gate = newGate();
    const { json: thread } = await post('/threads', {});
    const { thread_id } = thread as { thread_id: string };
    const input = { gate: gate.path, label: 'a', order: [] };
    const { json: run } = await post(`/threads/${thread_id}/runs`, { assistant_id: 'stubborn', input });
    const { run_id } = run as { run_id: string };
    const checkpoints = async (): Promise<number> =>
      (await database.pool.query('SELECT FROM checkpoints WHERE thread_id = $1', [thread_id])).rowCount ?? 0;
    // The input, its first state, and the state after the first node: the run is inside its second one.
    await askUntil(checkpoints, (count) => count === 3);

    process.kill(server.pid, 'SIGSTOP');
    await askUntil(() => runRow(run_id), ({ attempt }) => attempt === 2); // prettier-ignore
    gate.open();
    await askUntil(() => runRow(run_id), ({ status }) => status === 'success'); // prettier-ignore
    const afterTakeover = await checkpoints();
    process.kill(server.pid, 'SIGCONT');
    await server.printed(/lost its lease/);

    expect(await checkpoints()).toBe(afterTakeover);
    expect(await runRow(run_id)).toEqual({ status: 'success', attempt: 2 });
    const { rows } = await database.pool.query('SELECT status, values FROM threads WHERE thread_id = $1', [thread_id]);
    expect(rows).toMatchObject([{ status: 'idle', values: { order: ['a:start', 'a:end'] } }]);
    expect((await fetch(`${server.url}/ok`)).status).toBe(200);
  });
});

describe('a run whose process is killed resumes in another process', () => {
  let database: TestDatabase;
  let doomed: TestServer;
  let rescuer: TestServer | undefined;

  beforeAll(async () => {
    database = await createDatabase();
  });
  beforeEach(async () => {
    doomed = await startServer({ database, command: 'start', env: SHORT_LEASE });
  });
  afterEach(async () => {
    await rescuer?.stop();
    await killLeftovers();
  });
  afterAll(() => database?.drop());

  const createThread = async (): Promise<string> => {
    const { json } = await sendJson(`${doomed.url}/threads`, {});
    return (json as { thread_id: string }).thread_id;
  };
  const wait = async (thread_id: string, body: object): Promise<unknown> =>
    (await sendJson(`${doomed.url}/threads/${thread_id}/runs/wait`, { assistant_id: 'interview', ...body })).json;

  const runRow = async (run_id: string) =>
    (
      await database.pool.query<{ status: string; attempt: number }>(
        'SELECT status, attempt FROM runs WHERE run_id = $1',
        [run_id],
      )
    ).rows[0];

  const executions = (gate: Gate): string[] => readFileSync(`${gate.path}.log`, 'utf8').trim().split('\n');

  /** Resumes the run in the doomed process, which is killed when it has come to the next node; another one is started. */
  async function killInNextNode(thread_id: string, gate: Gate, body: object): Promise<void> {
    const run = { assistant_id: 'interview', ...body };
    const { json } = await sendJson(`${doomed.url}/threads/${thread_id}/runs`, run);
    await askUntil(() => Promise.resolve(executions(gate)), (nodes) => nodes.at(-1) === 'age'); // prettier-ignore
    await doomed.stop('SIGKILL');
    gate.open();
    rescuer = await startServer({ database, command: 'start', env: SHORT_LEASE });
    const { run_id } = json as { run_id: string };
    await askUntil(() => runRow(run_id), ({ status }) => status === 'success'); // prettier-ignore
    expect(await runRow(run_id)).toEqual({ status: 'success', attempt: 2 });
  }

  const stateOf = async (thread_id: string) =>
    (await (await fetch(`${rescuer?.url}/threads/${thread_id}/state`)).json()) as {
      values: { answers: string[] };
      next: string[];
    };

  it('and does not resume the next interrupt with the resume value of the last one', async () => {
    const gate = newGate();
    const thread_id = await createThread();
    await wait(thread_id, { input: { gate: gate.path } });
    await killInNextNode(thread_id, gate, { command: { resume: 'Ada' } });

    expect(await stateOf(thread_id)).toMatchObject({ values: { answers: ['name Ada'] }, next: ['age'] });
  });

  it('from its own last checkpoint, not from the requested one', async () => {
    const gate = newGate();
    const thread_id = await createThread();
    await wait(thread_id, { input: { gate: gate.path } });
    const { checkpoint } = (await (await fetch(`${doomed.url}/threads/${thread_id}/state`)).json()) as {
      checkpoint: { checkpoint_id: string };
    };
    const { checkpoint_id } = checkpoint;
    await killInNextNode(thread_id, gate, { checkpoint_id, command: { resume: 'Grace' } });

    expect(await stateOf(thread_id)).toMatchObject({ values: { answers: ['name Grace'] }, next: ['age'] });
    expect(executions(gate)).toEqual(['name', 'name', 'age', 'age']);
  });

  it('and stops at the breakpoint that it had reached', async () => {
    const gate = newGate();
    const thread_id = await createThread();
    await wait(thread_id, { input: { gate: gate.path } });
    const stopped = { assistant_id: 'interview', command: { resume: 'Alan' }, interrupt_before: ['age'] };
    const { headers } = await sendJson(`${doomed.url}/threads/${thread_id}/runs/wait`, stopped);
    const run_id = headers.get('content-location')!.split('/').at(-1)!;
    await doomed.stop('SIGKILL');
    // As if the process had died a moment earlier: after its last checkpoint, before the end of the run.
    await database.pool.query(
      `WITH run AS (UPDATE runs SET status = 'running', lease_token = gen_random_uuid(), lease_until = now() WHERE run_id = $1)
         UPDATE threads SET newest_run_id = $1, status = 'busy' WHERE thread_id = $2`,
      [run_id, thread_id],
    );
    rescuer = await startServer({ database, command: 'start', env: SHORT_LEASE });
    await askUntil(() => runRow(run_id), ({ status }) => status === 'success'); // prettier-ignore

    expect(await runRow(run_id)).toEqual({ status: 'success', attempt: 2 });
    expect(await stateOf(thread_id)).toMatchObject({ values: { answers: ['name Alan'] }, next: ['age'] });
    expect(executions(gate)).toEqual(['name', 'name']);
  });
});
