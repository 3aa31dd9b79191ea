import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LEASE_MS, type Member } from '../support/cluster.js';
import { SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

/**
 * RECOVERY_KILLS=… sets the number of kills. With RECOVERY_DEFAULTS=true leases have their production length, and the
 * limit is the documented one.
 */
const KILLS = Number(process.env.RECOVERY_KILLS ?? 4);
const DEFAULTS = process.env.RECOVERY_DEFAULTS === 'true';
const RUNS_OF_EACH = 3;

/** A lease, plus the poll interval of five seconds for expired leases, plus time for a busy machine. */
const LIMIT_MS = DEFAULTS ? 45_000 : LEASE_MS + 5_000 + 6_000;
const ENV: Record<string, string> = DEFAULTS ? { NESTGRAPH_LEASE_SECS: '30', NESTGRAPH_HEARTBEAT_SECS: '10' } : {};
/** Kills are spread over two heartbeats. */
const SPREAD_MS = DEFAULTS ? 20_000 : 1_000;

describe('recovery', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it(
    'from SIGKILL until the runs continue in another process takes a lease and a poll interval',
    async () => {
      const doomed: Member[] = [];
      for (let kill = 1; kill <= KILLS; kill += 1) {
        doomed.push(await scene.cluster.start({ env: ENV }));
      }
      const runs = await Promise.all(doomed.map(startRuns));
      await scene.cluster.start({ command: 'worker', env: { ...ENV, N_JOBS_PER_WORKER: '100' } });
      await Promise.all(
        doomed.map(async (member, index) => {
          await sleep((SPREAD_MS * (index + Math.random())) / KILLS);
          await member.stop('SIGKILL');
        }),
      );
      const times = await Promise.all(runs.flat().map(recoveryTime));
      scene.openGate();
      report(times);

      expect(Math.max(...times)).toBeLessThan(LIMIT_MS);
      await scene.expectOrder();
    },
    LIMIT_MS + SPREAD_MS + 180_000,
  );

  /** Runs that the process has started. */
  async function startRuns(member: Member): Promise<string[]> {
    const client = scene.witness(SDKS[0][1], member);
    const gate = { path: scene.gate, step: 1 };
    const run_ids: string[] = [];
    for (let run = 1; run <= RUNS_OF_EACH; run += 1) {
      const run_id = await client.create(await client.newThread(), { steps: 1, says: 1, ms: 10, gate });
      await scene.done({ run_id, what: 'began', pid: member.pid });
      run_ids.push(run_id);
    }
    return run_ids;
  }

  /** Milliseconds from the kill of its process until another process executed its node. */
  async function recoveryTime(run_id: string): Promise<number> {
    const { pid } = await scene.done({ run_id, attempt: 1, what: 'began' });
    const again = await scene.done({ run_id, attempt: 2, what: 'began' });
    return again.at - scene.cluster.killed.get(pid)!;
  }
});

function report(times: number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const [min, median, max] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)!].map(seconds);
  const lease = DEFAULTS ? 'production defaults' : `lease ${LEASE_MS / 1000} s`;
  process.stderr.write(
    `Recovery of ${times.length} runs after ${KILLS} kills (${lease}): min ${min} s, median ${median} s, max ${max} s\n`,
  );
}
