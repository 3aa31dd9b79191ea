import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';
import { askUntil } from '../support/until.js';
import type { LeaseThreadData, LeaseThreadMessage } from '../../src/runs/worker/lease-heartbeat.thread.js';

const THREAD = new URL('../../dist/src/runs/worker/lease-heartbeat.thread.js', import.meta.url);

it('the lease thread stops on request, even while it connects to a database that does not respond', async () => {
  const database = createServer().listen(0, '127.0.0.1');
  await once(database, 'listening');
  const { port } = database.address() as AddressInfo;
  const uri = `postgres://parrot@127.0.0.1:${port}/cage`;
  const workerData: LeaseThreadData = { uri, application_name: 'test', lease_ms: 1_000, heartbeat_ms: 1 };
  const thread = new Worker(THREAD, { workerData });
  const tell = (message: LeaseThreadMessage): void => thread.postMessage(message);
  tell({ hold: { run_id: 'r', lease_token: 't' } });
  const [connection] = (await once(database, 'connection')) as [Socket];
  tell({ stop: true });

  expect(await once(thread, 'exit')).toEqual([0]);
  connection.destroy();
  database.close();
});

it('a lost or dropped lease does not affect another lease of the same run', async () => {
  const database = await createDatabase();
  const { run_id, lease_token } = await insertRunningRun(database.pool);
  const { uri } = database;
  const workerData: LeaseThreadData = { uri, application_name: 'test', lease_ms: 60_000, heartbeat_ms: 20 };
  const thread = new Worker(THREAD, { workerData });
  const tell = (message: LeaseThreadMessage): void => thread.postMessage(message);
  const isRenewed = async (): Promise<boolean> => {
    await database.pool.query('UPDATE runs SET lease_until = now() WHERE run_id = $1', [run_id]);
    return askUntil(
      async () =>
        (
          await database.pool.query<{ ok: boolean }>('SELECT lease_until > now() AS ok FROM runs WHERE run_id = $1', [
            run_id,
          ])
        ).rows[0].ok,
      Boolean,
    );
  };
  const [earlier, earliest] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
  const told = once(thread, 'message');
  tell({ hold: { run_id, lease_token: earlier } });
  tell({ hold: { run_id, lease_token } });
  expect((await told)[0]).toEqual([{ run_id, lease_token: earlier }]);
  expect(await isRenewed()).toBe(true);
  tell({ drop: earliest });
  tell({ drop: earlier });
  expect(await isRenewed()).toBe(true);
  tell({ stop: true });
  await once(thread, 'exit');
  await database.drop();
});
