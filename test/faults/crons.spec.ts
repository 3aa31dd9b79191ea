import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { untilWaitingForLocks } from '../support/database.js';
import { type Client, SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

const SECONDS = 60;
const SECOND_MS = 1_000;
/** An older time counts as missed (docs/crons.md): one run replaces all missed ones. A stalled machine is enough. */
const LATE_MS = 2_000;
/** Once a year: due only if a test changes its date. */
const YEARLY = '0 0 1 1 *';

/**
 * The time for which each run was created, and the time after the last one. The next time is a second later, except after
 * a missed one.
 */
function dueTimes(runs: readonly { at: number }[], first: number): number[] {
  const times = [first];
  for (const { at } of runs) {
    const due = times.at(-1)!;
    times.push((at - due > LATE_MS ? Math.floor(at / SECOND_MS) * SECOND_MS : due) + SECOND_MS);
  }
  return times;
}

type Cron = Awaited<ReturnType<Client['crons']['search']>>[number];

describe('crons', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  const work = () => ({ ledger: scene.file, step: 0, steps: 1, says: 1, ms: 10, gate: null, deadly: false });

  /** The creation times of the runs of a cron, in order, with their status. */
  async function runsOf({ cron_id }: Cron): Promise<{ at: number; run_id: string; status: string }[]> {
    const { rows } = await scene.cluster.database.pool.query<{ at: number; run_id: string; status: string }>(
      `SELECT (extract(epoch FROM created_at) * 1000)::float8 AS at, run_id, status FROM runs
       WHERE metadata ->> 'cron_id' = $1 ORDER BY created_at`,
      [cron_id],
    );
    return rows;
  }

  /** A cron that is due every second for a minute, on a thread or stateless. */
  async function everySecond(client: Client, thread_id?: string): Promise<{ cron: Cron; first: number }> {
    const payload = { schedule: '* * * * * *', input: work(), onRunCompleted: 'keep' as const, enabled: false };
    const { cron_id } = (await (thread_id
      ? client.crons.createForThread(thread_id, 'ledger', payload)
      : client.crons.create('ledger', payload))) as unknown as Cron;
    // Starts within this second or the next one: the end is computed from the server's response.
    const { next_run_date } = await client.crons.update(cron_id, { enabled: true });
    const first = Date.parse(next_run_date!);
    const endTime = new Date(first + (SECONDS - 1) * SECOND_MS).toISOString();
    return { cron: await client.crons.update(cron_id, { endTime }), first };
  }

  it('fire once for each time with three processes, two of which are killed and restarted', async () => {
    const members = [await scene.cluster.start(), await scene.cluster.start(), await scene.cluster.start()];
    const [alone, onThread] = await Promise.all(
      SDKS.map(async ([, Client], index) => {
        const witness = scene.witness(Client);
        return everySecond(witness.client, index === 1 ? await witness.newThread() : undefined);
      }),
    );
    const fired = (count: number) =>
      scene.until(
        () => runsOf(alone.cron),
        (runs) => runs.length >= count,
      );
    for (const [count, member] of [
      [15, members[0]],
      [35, members[1]],
    ] as const) {
      await fired(count);
      await member.stop('SIGKILL');
      await fired(count + 5);
      await scene.cluster.start();
    }
    const isOver = (runs: { status: string }[]): boolean => runs.every(({ status }) => status === 'success');
    const nextDates = async (): Promise<unknown[]> => {
      const { rows } = await scene.cluster.database.pool.query<{ next: unknown }>(
        'SELECT next_run_date AS next FROM crons',
      );
      return rows.map(({ next }) => next);
    };
    await scene.until(nextDates, (dates) => dates.every((date) => date === null));
    for (const { cron, first } of [alone, onThread]) {
      const runs = await scene.until(() => runsOf(cron), isOver);
      const times = dueTimes(runs, first);
      const lags = runs.map(({ at }, index) => at - times[index]).sort((a, b) => a - b);
      process.stderr.write(`lag of ${runs.length} runs: median ${lags[30]} ms, largest ${lags.at(-1)} ms\n`);

      // No run early, twice or missing: only the end time has no run.
      const end = first + SECONDS * SECOND_MS;
      expect(lags[0]).toBeGreaterThanOrEqual(0);
      expect(times[runs.length - 1]).toBeLessThan(end);
      expect(times[runs.length]).toBeGreaterThanOrEqual(end);
      const finished = scene.ledger().filter(({ what }) => what === 'finished');
      expect(runs.every(({ run_id }) => finished.some((line) => line.run_id === run_id))).toBe(true);
    }
  });

  it('whose process dies before the commit are fired once by another process', async () => {
    const { database } = scene.cluster;
    // The run is inserted, and its transaction is blocked.
    await database.pool.query(`
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END';
      CREATE TRIGGER hold AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION hold()`);
    const first = await scene.cluster.start();
    const { client } = scene.witness(SDKS[0][1]);
    const payload = { schedule: YEARLY, input: work(), onRunCompleted: 'keep' as const };
    const cron = (await client.crons.create('ledger', payload)) as unknown as Cron;
    const session = await database.pool.connect();
    await session.query('SELECT pg_advisory_lock(1)');
    await database.pool.query('UPDATE crons SET next_run_date = clock_timestamp()');
    await untilWaitingForLocks(database);
    await first.stop('SIGKILL');
    const second = await scene.cluster.start();
    expect(await runsOf(cron)).toEqual([]);
    await session.query('SELECT pg_advisory_unlock(1)');
    session.release();
    await scene.until(
      () => runsOf(cron),
      (runs) => runs.length > 0 && runs[0].status === 'success',
    );

    expect(await runsOf(cron)).toHaveLength(1);
    expect(scene.ledger().map(({ pid }) => pid)).toEqual(expect.arrayContaining([second.pid]));
    const [{ next_run_date }] = await client.crons.search();
    expect(next_run_date).toBe(cron.next_run_date);
  });
});
