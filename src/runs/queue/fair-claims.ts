import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import { inMs } from './in-ms.js';
import { CLAIMED_COLUMNS, type ClaimedRun } from './claimed-run.js';
import { IS_HEAD_OF_THREAD } from './run-claims.js';

/** Delayed runs that one claim marks as due. The next claim sees them. */
const MAX_NEWLY_DUE = 100;

/** How much of a process a caller uses. */
export interface Standing {
  caller_key: string;
  /** Runs of the caller that this process executes. */
  running: number;
  /** When the caller's last turn ended, by the clock of the database. */
  served_at: Date | null;
  /** Slots that the caller gets in one turn. */
  weight: number;
}

/** How a process shares its slots among callers. */
export interface FairTerms {
  standings: readonly Standing[];
  /** Slots that only callers without a running run get. */
  reserve: number;
  /** Callers that one claim visits, in the order of their keys, starting after the key `after`. */
  window: number;
  after: string;
}

export interface FairClaim {
  runs: ClaimedRun[];
  /** Some due runs were not claimed because their callers have used up their share of this process. */
  is_held_back: boolean;
  /**
   * Another claim may find more: runs that other processes had locked, runs that have just become due, or other
   * callers.
   */
  is_partial: boolean;
  /** The last caller visited, when there are more than the window. */
  window_end: string | null;
  /** The database's clock. */
  now: Date;
}

type Row = Partial<ClaimedRun> & Omit<FairClaim, 'runs'>;

const WAITS = `status = 'pending' AND NOT is_delayed`;

/** The first caller with a pending run, among the keys that match the condition. */
const firstCaller = (condition: string): string =>
  `SELECT caller_key FROM runs WHERE ${WAITS} AND ${condition} ORDER BY caller_key LIMIT 1`;

/**
 * Parameters: $1 slots, $2 lease in ms, $3 attempts at most, $4 tokens, $5 to $8 the standings as columns, $9 the
 * caller before the window, $10 the size of the window, $11 the reserve.
 *
 * The statement finds callers by a loose index scan, so a claim reads as much with 100,000 pending runs as with ten.
 * The next slot goes to the caller with the fewest running runs. Ties go to the caller whose last turn is longest ago:
 * its last slot, or the arrival of its oldest run. Runs with a priority delay (`turn_at` in the future) come last. Only
 * callers without a running run get slots of the reserve.
 */
export const CLAIM_FAIRLY = `
  WITH RECURSIVE ripened AS (
    UPDATE runs SET is_delayed = false WHERE run_id IN (
      SELECT run_id FROM runs WHERE status = 'pending' AND is_delayed AND due_at <= clock_timestamp()
      ORDER BY due_at LIMIT ${MAX_NEWLY_DUE} FOR UPDATE SKIP LOCKED)
    RETURNING run_id
  ), behind AS (
    SELECT first.caller_key, 1 AS count FROM (${firstCaller('caller_key > $9::uuid')}) AS first
    UNION ALL
    SELECT next.caller_key, count + 1 FROM behind, LATERAL (${firstCaller('caller_key > behind.caller_key')}) AS next
    WHERE count < $10::integer
  ), in_front AS (
    SELECT first.caller_key, (SELECT count(*) FROM behind) + 1 AS count
    FROM (${firstCaller('caller_key <= $9::uuid')}) AS first WHERE (SELECT count(*) FROM behind) < $10
    UNION ALL
    SELECT next.caller_key, count + 1 FROM in_front,
           LATERAL (${firstCaller('caller_key > in_front.caller_key AND caller_key <= $9::uuid')}) AS next
    WHERE count < $10
  ), callers AS (
    SELECT * FROM behind UNION ALL SELECT * FROM in_front
  ), candidates AS (
    SELECT callers.caller_key, waiting.run_id, waiting.turn_at FROM callers CROSS JOIN LATERAL (
      SELECT run_id, turn_at FROM runs r
      WHERE ${WAITS} AND r.caller_key = callers.caller_key AND due_at <= clock_timestamp() AND ${IS_HEAD_OF_THREAD}
      ORDER BY turn_at, run_id LIMIT $1) AS waiting
    UNION ALL
    SELECT * FROM (
      SELECT caller_key, run_id, lease_until FROM runs
      WHERE status = 'running' AND lease_until < clock_timestamp() AND attempt < $3
      ORDER BY lease_until LIMIT $1) AS orphaned
  ), placed AS (
    SELECT run_id, caller_key, turn_at, coalesce(s.weight, 1) AS weight,
           coalesce(s.running, 0) + row_number() OVER oldest_first AS place,
           greatest(s.served_at, first_value(turn_at) OVER oldest_first) AS turn_since
    FROM candidates LEFT JOIN unnest($5::uuid[], $6::integer[], $7::timestamptz[], $8::integer[])
      AS s (key, running, served_at, weight) ON s.key = caller_key
    WINDOW oldest_first AS (PARTITION BY caller_key ORDER BY turn_at, run_id)
  ), ranked AS (
    SELECT run_id, place, row_number() OVER (
      ORDER BY turn_at > clock_timestamp(), (place + weight - 1) / weight, turn_since, caller_key, turn_at, run_id) AS rank
    FROM placed
  ), permitted AS (
    SELECT run_id, rank FROM ranked WHERE place = 1 OR rank <= $1 - $11::integer
  ), locked AS (
    SELECT r.run_id FROM permitted JOIN runs r USING (run_id)
    WHERE r.status = 'pending' OR r.status = 'running' AND r.lease_until < clock_timestamp()
    ORDER BY permitted.rank LIMIT $1 FOR UPDATE OF r SKIP LOCKED
  ), claimed AS (
    UPDATE runs SET status = 'running', attempt = attempt + 1, lease_token = ($4::uuid[])[token.number],
           lease_until = ${inMs('$2')}, updated_at = clock_timestamp()
    FROM (SELECT run_id AS id, row_number() OVER () AS number FROM locked) AS token
    WHERE run_id = token.id
    RETURNING ${CLAIMED_COLUMNS}
  ), counted AS (
    SELECT (SELECT count(*) FROM ranked) AS ranked, (SELECT count(*) FROM permitted) AS permitted,
           (SELECT count(*) FROM locked) AS locked, (SELECT count(*) FROM ripened) AS ripened,
           (SELECT caller_key FROM callers WHERE count = $10) AS window_end
  )
  SELECT claimed.*, ranked > permitted AS is_held_back, window_end, statement_timestamp() AS now,
         locked < $1 AND (locked < permitted OR ripened > 0 OR window_end IS NOT NULL) AS is_partial
  FROM counted LEFT JOIN claimed ON true`;

/** Claims runs so that callers get slots in turn. */
@Injectable()
export class FairClaims {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Like `RunClaims.claim`, this is one statement. It chooses runs without locks, then locks them with SKIP LOCKED: two
   * workers never get the same run, and none waits for another. The worker that came second gets `is_partial` and
   * claims again.
   */
  async claim(tokens: readonly string[], leaseMs: number, maxAttempts: number, terms: FairTerms): Promise<FairClaim> {
    const { rows } = await this.sql.query<Row>(CLAIM_FAIRLY, fairParameters(tokens, leaseMs, maxAttempts, terms));
    const [{ is_held_back, is_partial, window_end, now }] = rows;
    const runs = rows.filter(({ run_id }) => run_id !== null).map(toRun);
    return { runs, is_held_back, is_partial, window_end, now };
  }
}

/** The parameters of {@link CLAIM_FAIRLY}. */
export const fairParameters = (
  tokens: readonly string[],
  leaseMs: number,
  maxAttempts: number,
  { standings, reserve, window, after }: FairTerms,
): unknown[] => [
  tokens.length,
  leaseMs,
  maxAttempts,
  tokens,
  standings.map(({ caller_key }) => caller_key),
  standings.map(({ running }) => running),
  standings.map(({ served_at }) => served_at),
  standings.map(({ weight }) => weight),
  after,
  window,
  reserve,
];

const toRun = ({ is_held_back: _, is_partial: __, window_end: ___, now: ____, ...run }: Row): ClaimedRun =>
  run as ClaimedRun;
