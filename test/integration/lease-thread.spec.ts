import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, it } from '@jest/globals';
import type { LeaseThreadData, LeaseThreadMessage } from '../../src/runs/worker/lease-keeper.thread.js';

const THREAD = new URL('../../dist/src/runs/worker/lease-keeper.thread.js', import.meta.url);

it('the thread that renews leases ends when it is told to, be it while it connects to a silent database', async () => {
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
