import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Client,
  connect,
  newGate,
  newThread,
  readUntil,
  type Gate,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';
import { askUntil } from '../support/until.js';

type Payload = NonNullable<Parameters<Client['runs']['create']>[2]>;

/** Input, the node `start`, and the superstep in which the node `wait` waits for a gate. */
const CHECKPOINTS_BEFORE_WAIT = 3;

describe.each(SDKS)('Durability, with SDK %s', (_version, ClientOfVersion) => {
  const server = serverForFile();
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(ClientOfVersion, server.url);
  });
  beforeEach(async () => {
    thread_id = await newThread(client);
  });

  const count = async (sql: string, values: unknown[] = []): Promise<number> => {
    const { rows } = await server.database.pool.query<{ count: string }>(`SELECT count(*) ${sql}`, values);
    return Number(rows[0].count);
  };
  const checkpoints = (thread = thread_id) => count('FROM checkpoints WHERE thread_id = $1', [thread]);
  const writes = () => count('FROM checkpoint_writes WHERE thread_id = $1', [thread_id]);

  /** Runs `during` while no checkpoint can be written. */
  const whileCheckpointsAreLocked = async (during: () => Promise<void>): Promise<void> => {
    const connection = await server.database.pool.connect();
    try {
      await connection.query('BEGIN');
      await connection.query('LOCK TABLE checkpoints IN EXCLUSIVE MODE');
      await during();
    } finally {
      await connection.query('ROLLBACK');
      connection.release();
    }
  };
  const untilOneWaitsForTheLock = () =>
    askUntil(
      () => count(`FROM pg_locks WHERE relation = 'checkpoints'::regclass AND NOT granted`),
      (waiting) => waiting > 0,
    );
  const endOf = async (gate: Gate, run_id: string): Promise<void> => {
    gate.open();
    await client.runs.join(thread_id, run_id);
    expect((await client.threads.getState(thread_id)).values).toMatchObject({ order: ['a:start', 'a:end'] });
  };

  it.each([
    ['async', { durability: 'async' }],
    ['default', {}],
    ['checkpoint_during true', { checkpointDuring: true }],
  ] as [string, Payload][])('%s: nodes continue while checkpoints are being written', async (_name, payload) => {
    let waiting: Awaited<ReturnType<typeof startWaiting>>;
    await whileCheckpointsAreLocked(async () => {
      waiting = await startWaiting(client, thread_id, payload);
      expect(await checkpoints()).toBe(0);
    });
    await askUntil(checkpoints, (written) => written === CHECKPOINTS_BEFORE_WAIT);
    await endOf(waiting!.gate, waiting!.run_id);
    expect(await checkpoints()).toBe(CHECKPOINTS_BEFORE_WAIT + 1);
  });

  it('sync: no superstep starts before the previous one is written', async () => {
    const gate = newGate();
    const other = await newThread(client);
    const input = { gate: gate.path, label: 'a' };
    let entered: Promise<unknown>;
    let isEntered = false;
    let run_id: string;
    await whileCheckpointsAreLocked(async () => {
      const run = await client.runs.create(thread_id, 'waiting', { input, durability: 'sync', streamMode: 'custom' });
      ({ run_id } = run);
      entered = readUntil(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }), 'custom').then(() => {
        isEntered = true;
      });
      await untilOneWaitsForTheLock();
      // Enough time to start: a later run that does not wait for its checkpoints is in its second node.
      const later = await startWaiting(client, other, { durability: 'async' });
      later.gate.open();
      expect(isEntered).toBe(false);
    });
    await entered!;
    expect(await checkpoints()).toBe(CHECKPOINTS_BEFORE_WAIT);
    await endOf(gate, run_id!);
  });

  it.each([
    ['exit', { durability: 'exit' }],
    ['checkpoint_during false', { checkpointDuring: false }],
  ] as [string, Payload][])('%s: no checkpoint is written before the end', async (_name, payload) => {
    const { gate, run_id } = await startWaiting(client, thread_id, payload);
    expect([await checkpoints(), await writes()]).toEqual([0, 0]);
    await endOf(gate, run_id);
    expect([await checkpoints(), await writes()]).toEqual([1, 0]);
  });
});
