import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LEASE_MS, type Member } from '../support/cluster.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { SDKS } from '../support/sdk.js';
import { load, randomOf } from './load.js';
import { Scene } from './scene.js';

const USERS = 10;
const WORK = { steps: 3, says: 4, ms: 300 };

/** No lease expires while PostgreSQL restarts, even on a slow machine. */
const LONG_LEASE = { NESTGRAPH_LEASE_SECS: '60', NESTGRAPH_HEARTBEAT_SECS: '1' };

describe('while runs execute and clients read', () => {
  let postgres: OwnPostgres;
  let scene: Scene;

  beforeEach(async () => {
    postgres = await startOwnPostgres();
    scene = await Scene.create(postgres);
  });
  afterEach(() => scene?.end());

  /** Runs a load while the fault occurs; then the history must be consistent. */
  async function expectOrderAfter(server: Member, fault: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const users = load(scene, { users: USERS, random: randomOf(1), work: WORK, over: over.signal });
    await scene.done({ step: 2 });
    await fault();
    const before = (await scene.runs()).length;
    // Without intervention: new runs end again.
    await scene.until(
      () => scene.runs(),
      (runs) => runs.filter(({ status }) => status === 'success').length >= before + USERS,
    );
    over.abort();
    await users;
    await scene.expectOrder();
    expect((await fetch(`${server.url}/ok?check_db=1`)).status).toBe(200);
  }

  async function killFor(ms: number): Promise<void> {
    scene.logLost = true;
    await postgres.kill();
    await sleep(ms);
    await postgres.restart();
  }

  it('PostgreSQL is killed and restarted: runs continue without a new attempt', async () => {
    const server = await scene.cluster.start({ env: LONG_LEASE });
    await expectOrderAfter(server, () => killFor(500));
    expect((await scene.runs()).filter(({ attempt }) => attempt > 1)).toEqual([]);
  });

  it('PostgreSQL is unavailable for longer than a lease: runs resume after their last checkpoint', async () => {
    const server = await scene.cluster.start({ env: { BG_JOB_MAX_RETRIES: '1000' } });
    scene.cluster.stopped.set(server.pid, Date.now());
    await expectOrderAfter(server, () => killFor(LEASE_MS * 1.5));
  });

  it('PostgreSQL repeatedly ends all connections: runs continue without a new attempt', async () => {
    const server = await scene.cluster.start({ env: LONG_LEASE });
    await expectOrderAfter(server, async () => {
      for (let round = 1; round <= 10; round += 1) {
        await postgres.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> ''`,
        );
        await sleep(100);
      }
    });
    expect((await scene.runs()).filter(({ attempt }) => attempt > 1)).toEqual([]);
  });

  it('PostgreSQL is killed: no event id that a client has received is reused', async () => {
    await scene.cluster.start({ env: LONG_LEASE });
    const clients = SDKS.map(([, Client]) => scene.witness(Client));
    // Only events are written meanwhile, and no process waits until they are on disk.
    const work = { steps: 1, says: 200, ms: 4_000 };
    const streams = await Promise.all(clients.map(async (client) => client.stream(await client.newThread(), work)));
    await Promise.all(streams.map((stream) => stream.received(({ id }) => Number(id) >= 50)));
    await killFor(0);
    await Promise.all(streams.map(({ finished }) => finished));
    const readAgain = streams.map(({ thread_id, run_id }, index) => clients[index].join(thread_id, run_id));
    await Promise.all(readAgain.map(({ finished }) => finished));
    await scene.expectOrder();
  });
});
