import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Member } from '../support/cluster.js';
import { LEASE_MS } from '../support/cluster.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { load, randomOf } from './load.js';
import { Scene } from './scene.js';

const USERS = 10;
const WORK = { steps: 3, says: 4, ms: 300 };

describe('while runs execute and clients read', () => {
  let postgres: OwnPostgres;
  let scene: Scene;
  let server: Member;

  beforeEach(async () => {
    postgres = await startOwnPostgres();
    scene = await Scene.create(postgres);
    server = await scene.cluster.start({ env: { BG_JOB_MAX_RETRIES: '1000' } });
  });
  afterEach(() => scene?.end());

  /** Has users at work while this happens; then everything must be in order. */
  async function expectOrderAfter(fault: () => Promise<void>): Promise<void> {
    // What the process had begun may begin anew.
    scene.cluster.stopped.set(server.pid, Date.now());
    const over = new AbortController();
    const users = load(scene, { users: USERS, random: randomOf(1), work: WORK, over: over.signal });
    await scene.done({ step: 2 });
    await fault();
    const before = (await scene.runs()).length;
    // Without help: new runs come to their end again.
    await scene.until(
      () => scene.runs(),
      (runs) => runs.filter(({ status }) => status === 'success').length >= before + USERS,
    );
    over.abort();
    await users;
    await scene.expectOrder();
    expect((await fetch(`${server.url}/ok?check_db=1`)).status).toBe(200);
  }

  it('PostgreSQL is killed and comes back: all runs end, the server recovers by itself', () =>
    expectOrderAfter(async () => {
      scene.logLost = true;
      await postgres.kill();
      await sleep(500);
      await postgres.restart();
    }));

  it('PostgreSQL is away for longer than a lease: all runs end', () =>
    expectOrderAfter(async () => {
      scene.logLost = true;
      await postgres.kill();
      await sleep(LEASE_MS * 1.5);
      await postgres.restart();
    }));

  it('PostgreSQL ends all connections: all runs end', () =>
    expectOrderAfter(async () => {
      for (let round = 1; round <= 5; round += 1) {
        await postgres.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> ''`,
        );
        await sleep(300);
      }
    }));
});
