import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../lib/database.mjs';
import { calls, round, spread } from '../lib/figures.mjs';
import { HELLO } from '../lib/inputs.mjs';
import { waitForEcho } from './wait.mjs';

const CRONS = 10_000;
const CREATORS = 32;
/** Callers of interactive runs. */
const CALLERS = 4;
/** Seconds that creating the crons may take. */
const TIME_TO_CREATE_S = 45;
const MINUTE_MS = 60_000;

/** Ten thousand crons that are due in the same minute, and concurrent interactive runs. */
export async function crons(bench) {
  const server = await bench.server();
  const database = await openDatabase(server.directory);
  try {
    const call = waitForEcho(server.client);
    await bench.warmUp({ call, operation: 'echo' });
    const due = Math.ceil((Date.now() + TIME_TO_CREATE_S * 1000) / MINUTE_MS) * MINUTE_MS;
    const created_ms = await createAll(server, due);
    const alone = await bench.figuresOf(server, { call, concurrency: CALLERS });
    await sleep(due - Date.now());
    const pending = { over: false };
    const end = untilAllEnded(database).finally(() => (pending.over = true));
    const beside = await figuresWhile(bench, server, call, pending);
    const { lags, ended_ms } = await end;
    const left = await server.client.post('/runs/crons/search', {
      sort_by: 'next_run_date',
      sort_order: 'asc',
      limit: 1,
    });
    if (Date.parse(left[0].next_run_date) <= due) {
      throw new Error(`a cron was not fired: ${JSON.stringify(left[0])}`);
    }
    return {
      crons: CRONS,
      created_ms: round(created_ms, 0),
      lag: spread(lags),
      all_fired_s: round(Math.max(...lags) / 1000, 1),
      all_ended_s: round((ended_ms - due) / 1000, 1),
      interactive: { callers: CALLERS, alone, beside },
    };
  } finally {
    await database.close();
  }
}

/** Returns the duration in milliseconds. */
async function createAll({ client }, due) {
  const at = new Date(due);
  const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  const begin = performance.now();
  let left = CRONS;
  const creator = async () => {
    for (; left > 0;) {
      left -= 1;
      await client.post('/runs/crons', { assistant_id: 'echo', schedule, input: HELLO });
    }
  };
  await Promise.all(Array.from({ length: CREATORS }, creator));
  if (Date.now() > due) {
    throw new Error(`creating ${CRONS} crons took longer than ${TIME_TO_CREATE_S} seconds`);
  }
  return performance.now() - begin;
}

/** Resolves when the runs of all crons have ended, with the delay of each and the end of the last one. */
async function untilAllEnded({ client }) {
  for (;;) {
    const { rows } = await client.query(
      `SELECT count(*)::int AS ended, max(extract(epoch FROM updated_at) * 1000)::float8 AS last
       FROM runs WHERE metadata ? 'cron_id' AND status = 'success'`,
    );
    if (rows[0].ended >= CRONS) {
      return { lags: await lagsOf(client), ended_ms: rows[0].last };
    }
    await sleep(500);
  }
}

/** Milliseconds from the minute to each run of a cron. */
async function lagsOf(client) {
  const { rows } = await client.query(
    `SELECT (extract(epoch FROM created_at - date_trunc('minute', min(created_at) OVER ())) * 1000)::float8 AS ms
     FROM runs WHERE metadata ? 'cron_id'`,
  );
  if (rows.length !== CRONS) {
    throw new Error(`${rows.length} runs instead of ${CRONS}`);
  }
  return rows.map(({ ms }) => ms);
}

/** Runs load in slices until the end. */
async function figuresWhile(bench, server, call, pending) {
  const rounds = [];
  const figures = (measured) => void rounds.push(...measured);
  while (!pending.over) {
    await bench.figuresOf(server, { call, concurrency: CALLERS, seconds: 1, figures });
  }
  return calls(rounds);
}
