import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { type AnyDatabase, Cluster } from '../support/cluster.js';
import type { ClientClass } from '../support/sdk.js';
import {
  type Acknowledgement,
  type Answer,
  type History,
  type LedgerLine,
  type Reading,
  type RunRow,
  type ThreadRow,
  type Violation,
  violations,
} from './history.js';
import { Witness } from './witness.js';

/** Milliseconds within which unfinished runs must end after the faults. */
const SETTLE_MS = 60_000;

/** The records of the witnesses. */
export interface Notes {
  acknowledged: Acknowledgement[];
  readings: Reading[];
  answers: Answer[];
}

interface Run extends RunRow {
  attempt: number;
  /** Stateless runs. */
  hidden: boolean;
}

/** The processes, clients and records of one scenario. */
export class Scene {
  /** Set by a test that kills the database. */
  logLost = false;
  readonly notes: Notes = { acknowledged: [], readings: [], answers: [] };
  private readonly over = new AbortController();
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-faults-'));
  /** The output file of `ledger`. */
  readonly file = this.path('ledger');

  private constructor(readonly cluster: Cluster) {
    appendFileSync(this.file, '');
  }

  static async create(database?: AnyDatabase): Promise<Scene> {
    return new Scene(await Cluster.create(database));
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.cluster.end();
    rmSync(this.folder, { recursive: true });
  }

  /** Aborts when the scene ends, and stops all retries. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** The path of a file of this scene that does not exist yet. */
  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** A gate at which runs wait until {@link openGate}. */
  get gate(): string {
    return this.path('gate');
  }

  openGate(): void {
    writeFileSync(this.gate, '');
  }

  /** A client of any process, or of a specific one. */
  witness(Client: ClientClass, { url }: { url: string } = this.cluster): Witness {
    return new Witness(Client, url, this);
  }

  /** The actions of nodes so far. */
  ledger(): LedgerLine[] {
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LedgerLine);
  }

  /** Resolves when a node has executed the action. */
  async done(wanted: Partial<LedgerLine>): Promise<LedgerLine> {
    const isWanted = (line: LedgerLine): boolean =>
      Object.entries(wanted).every(([key, value]) => line[key as keyof LedgerLine] === value);
    const find = (): LedgerLine | undefined => this.ledger().find(isWanted);
    return (await this.until(find, (line) => line !== undefined))!;
  }

  /** Polls until the answer is right; only for conditions that cannot be awaited. Fails when the scene ends. */
  async until<T>(ask: () => T | Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
    for (;;) {
      this.signal.throwIfAborted();
      const answer = await ask();
      if (isRight(answer)) {
        return answer;
      }
      await sleep(20);
    }
  }

  /** All runs in order of creation. */
  async runs(): Promise<Run[]> {
    const { rows } = await this.cluster.database.pool.query<Run>(
      `SELECT run_id, thread_id, runs.status, attempt, hidden, (kwargs #>> '{input,steps}')::int AS steps,
              (kwargs #>> '{input,says}')::int AS says
       FROM runs JOIN threads USING (thread_id) ORDER BY runs.created_at, run_id`,
    );
    return rows;
  }

  async threads(): Promise<ThreadRow[]> {
    const { rows } = await this.cluster.database.pool.query<ThreadRow>(
      `SELECT thread_id, status, coalesce(values -> 'done', '[]') AS done FROM threads WHERE NOT hidden ORDER BY created_at, thread_id`,
    );
    return rows;
  }

  /** The complete content of the database. */
  async everything(): Promise<Record<string, string[]>> {
    const { pool } = this.cluster.database;
    const content: Record<string, string[]> = {};
    const { rows: tables } = await pool.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    );
    for (const { name } of tables) {
      const { rows } = await pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t ORDER BY 1`);
      content[name] = rows.map(({ row }) => row);
    }
    return content;
  }

  /** Locks the row of a thread. The returned function releases it. */
  async lockThread(thread_id: string): Promise<() => Promise<void>> {
    const session = await this.cluster.database.pool.connect();
    await session.query('BEGIN');
    await session.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
    return async () => {
      await session.query('COMMIT');
      session.release();
    };
  }

  /** Waits until all runs have ended, or a timeout, and checks that clients, nodes and the database agree. */
  async expectOrder(): Promise<void> {
    const deadline = Date.now() + SETTLE_MS;
    const isActive = ({ status }: RunRow): boolean => status === 'pending' || status === 'running';
    while ((await this.runs()).some(isActive) && Date.now() < deadline) {
      await sleep(100);
    }
    const history = await this.history();
    const found = violations(history);
    if (found.length > 0) {
      process.stderr.write([storyOf(history, found), ...this.cluster.complaints(), ''].join('\n'));
    }
    expect(found).toEqual([]);
  }

  private async history(): Promise<History> {
    const { killed, stopped } = this.cluster;
    const runs = (await this.runs()).filter(({ hidden }) => !hidden);
    const threads = await this.threads();
    return { ...this.notes, ledger: this.ledger(), runs, threads, killed, stopped, logLost: this.logLost };
  }
}

/** Details of the runs with violations: their actions, and the events that their readers received. */
function storyOf({ ledger, readings, killed, stopped }: History, found: Violation[]): string {
  const text = JSON.stringify(found);
  const run_ids = [...new Set(readings.map(({ run_id }) => run_id))].filter((run_id) => text.includes(run_id));
  const lines = run_ids.flatMap((run_id) => [
    `run ${run_id}`,
    ...ledger
      .filter((line) => line.run_id === run_id)
      .map(({ at, attempt, pid, step, what, n }) => `  ${at} ${attempt}@${pid} ${what} ${step}.${n}`),
    ...readings
      .filter((reading) => reading.run_id === run_id)
      .map(({ parts }) => `  read ${parts.map(({ id, event, data }) => `${id} ${event} ${briefly(data)}`).join('; ')}`),
  ]);
  const ends = [...killed, ...stopped].map(([pid, at]) => `${at} end of ${pid}`);
  return [...ends, ...lines, ''].join('\n');
}

const briefly = (data: unknown): string =>
  JSON.stringify(data)
    .replace(/[{}"]|run_id:[^,]*,?/g, '')
    .slice(0, 120);
