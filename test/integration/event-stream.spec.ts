import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NestgraphConfig } from '../../src/config/index.js';
import { DatabaseUnavailableError } from '../../src/database/database.errors.js';
import { type Notification, Notifications } from '../../src/database/notifications.js';
import { type Queryable, Sql } from '../../src/database/sql.js';
import type { EventLog } from '../../src/streams/event-log.js';
import { EventStream, type RunPosition } from '../../src/streams/event-stream.js';
import { PostgresEventLog } from '../../src/streams/postgres-event-log.js';
import type { RunStream, StreamedRun } from '../../src/streams/run-stream.js';
import type { StreamReader } from '../../src/streams/stream-event.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { askUntil } from '../support/until.js';

Logger.overrideLogger(false);

const ASSISTANT = randomUUID();
const MAX_BYTES = 100_000;

/** Notifications that are lost while `isDeaf` is set. */
class LossyNotifications extends Notifications {
  isDeaf = false;
  readonly told: Notification['topic'][] = [];

  override on(topic: Notification['topic'], listener: (id: string) => void): void {
    super.on(topic, (id) => {
      if (!this.isDeaf) {
        listener(id);
      }
    });
  }

  override publishToOthers(notification: Notification): void {
    this.told.push(notification.topic);
    super.publishToOthers(notification);
  }
}

/** A database that can be made unavailable. */
class LossySql extends Sql {
  isUnavailable = false;
  statements = 0;

  override query<R>(text: string, values?: unknown[]): Promise<{ rows: R[] }> {
    this.statements += 1;
    return this.isUnavailable ? Promise.reject(unavailable()) : super.query(text, values);
  }

  override transaction<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    this.statements += 1;
    return this.isUnavailable ? Promise.reject(unavailable()) : super.transaction(work);
  }
}

const unavailable = (): Error => new DatabaseUnavailableError(new Error('ECONNREFUSED'));

/** The stream objects of one process. */
interface Process {
  events: EventStream;
  log: EventLog;
  sql: LossySql;
  notifications: LossyNotifications;
  stop(): Promise<void>;
}

async function startProcess(database: TestDatabase): Promise<Process> {
  const sql = new LossySql(database.newPool(), true);
  const notifications = new LossyNotifications({ uri: database.uri, location: '', stop: () => Promise.resolve() });
  await notifications.start();
  const log = new PostgresEventLog(sql);
  const streams = { resumable_ms: 3_600_000, other_ms: 60_000, max_bytes: MAX_BYTES };
  const events = new EventStream(log, notifications, { streams } as NestgraphConfig);
  events.onApplicationBootstrap();
  // As RunResults does.
  notifications.on('run_ended', (run_id) => events.end(run_id));
  const stop = async (): Promise<void> => {
    await events.onModuleDestroy();
    await events.beforeApplicationShutdown();
    await notifications.onApplicationShutdown();
  };
  return { events, log, sql, notifications, stop };
}

/** All events until the end: the JSON of custom events, the names of others; `run_done` is an event of the thread. */
async function all(reader: StreamReader): Promise<string[]> {
  const seen: string[] = [];
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    seen.push(...next.value.map(({ event, json }) => (event === 'custom' ? json : event)));
  }
  return seen;
}

const ofRun = async (reader: StreamReader): Promise<string[]> =>
  (await all(reader)).filter((name) => name !== 'run_done');

describe('EventStream in two processes', () => {
  let database: TestDatabase;
  let here: Process;
  let there: Process;
  let thread_id: string;

  beforeAll(async () => {
    database = await createDatabase();
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
  });
  beforeEach(async () => {
    [here, there] = await Promise.all([startProcess(database), startProcess(database)]);
    thread_id = await newThread();
  });
  afterEach(() => Promise.all([here.stop(), there.stop()]));
  afterAll(() => database.drop());

  const newThread = async (): Promise<string> => {
    const id = randomUUID();
    await database.pool.query('INSERT INTO threads (thread_id) VALUES ($1)', [id]);
    return id;
  };

  /** A run that has been claimed. */
  async function newRun(fields: Partial<StreamedRun> = {}): Promise<StreamedRun> {
    const run = { run_id: randomUUID(), thread_id, lease_token: randomUUID(), resumable: false, ...fields };
    await database.pool.query(
      `INSERT INTO runs (run_id, thread_id, assistant_id, kwargs, metadata, multitask_strategy, status, attempt,
                         lease_token, lease_until, due_at)
       VALUES ($1, $2, $3, '{}', '{}', 'enqueue', 'running', 1, $4, now() + interval '1 minute', now())`,
      [run.run_id, run.thread_id, ASSISTANT, run.lease_token],
    );
    return { reader: 'here', ...run };
  }

  function begin({ events }: Process, run: StreamedRun): RunStream {
    const stream = events.open(run);
    stream.append('metadata', '{}');
    return stream;
  }

  const write = (stream: RunStream, ...names: string[]): void => names.forEach((name) => stream.append('custom', name));

  const endRun = (run_id: string) =>
    database.pool.query(`UPDATE runs SET status = 'success', lease_token = NULL WHERE run_id = $1`, [run_id]);

  /** Finishes a run as the worker does. Resolves when `run_done`, for readers of the thread, is in the log. */
  async function finish({ notifications }: Process, stream: RunStream): Promise<void> {
    await stream.drained();
    await endRun(stream.run.run_id);
    stream.finish('success');
    notifications.publish({ topic: 'run_ended', id: stream.run.run_id });
    await stream.drained();
  }

  const read = (
    { events }: Process,
    { run_id, resumable }: StreamedRun,
    position: RunPosition = { from: 'start' },
    state = { active: true, wasRead: true },
  ): StreamReader => events.readRun({ run_id, thread_id, resumable, ...state }, position);

  const logged = async (): Promise<number> =>
    Number(
      (
        await database.pool.query<{ count: string }>(
          'SELECT coalesce(sum(count), 0) AS count FROM thread_events WHERE thread_id = $1',
          [thread_id],
        )
      ).rows[0].count,
    );

  const untilFollowed = (process: Process, id: string, isFollowed = true): Promise<boolean> =>
    askUntil(
      () => Promise.resolve(process.events.isFollowed(id)),
      (answer) => answer === isFollowed,
    );

  describe('a run that is not resumable', () => {
    it('is read from its first event in another process, although none was in the log', async () => {
      const run = await newRun();
      const stream = begin(here, run);
      write(stream, '1', '2');
      const reader = ofRun(read(there, run));
      await untilFollowed(here, run.run_id);
      write(stream, '3');
      await finish(here, stream);
      expect(await reader).toEqual(['metadata', '1', '2', '3']);
    });

    it('is joined in another process from its next event on', async () => {
      const run = await newRun();
      const stream = begin(here, run);
      write(stream, '1');
      const reader = ofRun(read(there, run, { from: 'join' }));
      await untilFollowed(here, run.run_id);
      write(stream, '2');
      await finish(here, stream);
      expect(await reader).toEqual(['2']);
    });

    it('is read from memory by a reader that waited in the executing process, and not logged', async () => {
      const run = await newRun({ reader: 'elsewhere' });
      const reader = ofRun(read(here, run));
      const stream = begin(here, run);
      write(stream, '1');
      await finish(here, stream);
      expect(await reader).toEqual(['metadata', '1']);
      expect(await logged()).toBe(0);
    });

    it('is read by a reader that waited in another process, even when all notifications are lost', async () => {
      here.notifications.isDeaf = there.notifications.isDeaf = true;
      const run = await newRun({ reader: 'elsewhere' });
      const reader = read(there, run);
      const first = reader.next();
      const stream = begin(here, run);
      write(stream, '1', '2');
      await finish(here, stream);
      // Found by the poll that runs every few seconds.
      expect((await first).value!.slice(0, 3).map(({ event }) => event)).toEqual(['metadata', 'custom', 'custom']);
      there.events.end(run.run_id);
      expect(await ofRun(reader)).toEqual([]);
    });

    it('is logged lazily for a client that may join later', async () => {
      const run = await newRun({ reader: 'later' });
      const stream = begin(here, run);
      write(stream, '1');
      await finish(here, stream);
      await askUntil(logged, (count) => count === 3);
      const ended = { active: false, wasRead: false };
      for (const process of [here, there]) {
        expect(await ofRun(read(process, run, { from: 'join' }, ended))).toEqual(['metadata', '1']);
      }
    });

    it('costs no statement and no notification while it is only awaited, or read in its own process', async () => {
      for (const reader of ['here', 'nowhere'] as const) {
        const run = await newRun({ reader });
        const [statements, told] = [here.sql.statements, here.notifications.told.length];
        const stream = begin(here, run);
        const seen = reader === 'here' ? ofRun(read(here, run)) : undefined;
        write(stream, ...Array.from({ length: 1_000 }, (_, n) => String(n)));
        await stream.drained();
        stream.finish('success');
        await seen;
        expect(here.sql.statements).toBe(statements);
        expect(here.notifications.told.length).toBe(told);
        await endRun(run.run_id);
      }
    });

    it('can still be read in another process after a takeover, and the old readers are disconnected', async () => {
      const run = await newRun();
      const stream = begin(here, run);
      const [disconnected, reader] = [ofRun(read(here, run)), read(there, run)];
      await untilFollowed(here, run.run_id);
      write(stream, '1');
      expect((await reader.next()).value).toBeDefined();
      const second = { ...run, lease_token: randomUUID(), reader: 'elsewhere' as const };
      await database.pool.query('UPDATE runs SET lease_token = $2 WHERE run_id = $1', [run.run_id, second.lease_token]);
      write(stream, 'too late');
      const rest = ofRun(reader);
      const next = begin(there, second);
      write(next, '2');
      stream.disconnect();
      await expect(disconnected).rejects.toThrow('closed early');
      await finish(there, next);
      expect((await rest).slice(-2)).toEqual(['metadata', '2']);
      expect(await ofRun(read(here, run, { from: 'start' }, { active: false, wasRead: true }))).not.toContain(
        'too late',
      );
    });
  });

  describe('a resumable run', () => {
    it('is read identically in every process at any time', async () => {
      const run = await newRun({ resumable: true });
      const early = [here, there].map((process) => ofRun(read(process, run)));
      const stream = begin(here, run);
      write(stream, '1');
      const middle = [here, there].map((process) => ofRun(read(process, run)));
      await stream.drained();
      const joined = [here, there].map((process) => ofRun(read(process, run, { from: 'after', seq: 0 })));
      write(stream, '2');
      await finish(here, stream);
      const late = [here, there].map((process) => ofRun(read(process, run, { from: 'start' }, { active: false, wasRead: true }))); // prettier-ignore
      for (const reader of [...early, ...middle, ...late]) {
        expect(await reader).toEqual(['metadata', '1', '2']);
      }
      for (const reader of joined) {
        expect(await reader).toEqual(['1', '2']);
      }
    });

    it('costs few statements for any number of events', async () => {
      const run = await newRun({ resumable: true });
      const stream = begin(here, run);
      const reader = ofRun(read(here, run));
      const before = here.sql.statements;
      for (let turn = 0; turn < 5; turn += 1) {
        write(stream, ...Array.from({ length: 200 }, (_, n) => String(n)));
        await stream.drained();
      }
      expect(here.sql.statements - before).toBeLessThan(10);
      await finish(here, stream);
      expect((await reader).length).toBeGreaterThanOrEqual(1_001);
      expect(here.notifications.told).not.toContain('thread_events');
      expect(here.notifications.told).not.toContain('run_followed');
    });

    it('is taken over: late events of the first process are rejected, and all readers continue', async () => {
      const run = await newRun({ resumable: true });
      const stream = begin(here, run);
      const readers = [here, there].map((process) => ofRun(read(process, run)));
      write(stream, '1');
      await stream.drained();
      const second = { ...run, lease_token: randomUUID() };
      await database.pool.query('UPDATE runs SET lease_token = $2 WHERE run_id = $1', [run.run_id, second.lease_token]);
      const next = begin(there, second);
      write(stream, 'too late');
      write(next, '2');
      await Promise.all([stream.drained(), next.drained()]);
      stream.disconnect();
      write(next, '3');
      await finish(there, next);
      for (const reader of readers) {
        expect(await reader).toEqual(['metadata', '1', 'metadata', '2', '3']);
      }
    });

    it('continues for its reader when the same process claims it again', async () => {
      const run = await newRun({ resumable: true });
      const stream = begin(here, run);
      const reader = ofRun(read(here, run));
      const second = { ...run, lease_token: randomUUID() };
      await stream.drained();
      await database.pool.query('UPDATE runs SET lease_token = $2 WHERE run_id = $1', [run.run_id, second.lease_token]);
      const next = begin(here, second);
      stream.disconnect();
      write(next, '1');
      expect(here.events.isFollowed(run.run_id)).toBe(true);
      await finish(here, next);
      expect(await reader).toEqual(['metadata', 'metadata', '1']);
    });

    it('survives a temporarily unavailable log without losing or repeating events', async () => {
      const run = await newRun({ resumable: true });
      const stream = begin(here, run);
      const readers = [here, there].map((process) => ofRun(read(process, run)));
      await stream.drained();
      here.sql.isUnavailable = there.sql.isUnavailable = true;
      write(stream, '1');
      const late = ofRun(read(there, run));
      const failures = here.sql.statements;
      await askUntil(() => Promise.resolve(here.sql.statements), (statements) => statements > failures + 2); // prettier-ignore
      write(stream, '2');
      here.sql.isUnavailable = there.sql.isUnavailable = false;
      await finish(here, stream);
      for (const reader of [...readers, late]) {
        expect(await reader).toEqual(['metadata', '1', '2']);
      }
    });

    it('loses its oldest events above the size limit, and its readers get an error event', async () => {
      const run = await newRun({ resumable: true });
      const stream = begin(here, run);
      for (let n = 0; n < 30; n += 1) {
        write(stream, JSON.stringify('x'.repeat(10_000)));
        await stream.drained();
      }
      await finish(here, stream);
      const ended = { active: false, wasRead: true };
      const kept = await askUntil(
        async () => (await database.pool.query<{ size: string }>(
          'SELECT sum(octet_length(events)) AS size FROM thread_events WHERE thread_id = $1', [thread_id])).rows[0].size,
        (size) => Number(size) <= MAX_BYTES,
      ); // prettier-ignore
      expect(Number(kept)).toBeGreaterThan(MAX_BYTES / 2);
      for (const process of [here, there]) {
        expect(await ofRun(read(process, run, { from: 'start' }, ended))).toEqual(['error']);
        expect(await ofRun(read(process, run, { from: 'after', seq: 5 }, ended))).toEqual(['error']);
        expect(await ofRun(read(process, run, { from: 'after', seq: 29 }, ended))).toHaveLength(1);
      }
    });
  });

  describe('a thread', () => {
    it('is read from the start of the reader on, whichever process executes its runs', async () => {
      const readers = await Promise.all(
        [here, there].map(({ events }) => events.readThread(thread_id, { from: 'now' })),
      );
      await untilFollowed(here, thread_id);
      await untilFollowed(there, thread_id);
      for (const process of [here, there]) {
        const stream = begin(process, await newRun());
        write(stream, '1');
        await finish(process, stream);
      }
      await here.events.append(thread_id, [{ event: 'state_update', json: '{}' }]);
      here.notifications.publish({ topic: 'thread_deleted', id: thread_id });
      for (const reader of readers) {
        expect(await all(reader)).toEqual(['metadata', '1', 'run_done', 'metadata', '1', 'run_done', 'state_update']);
      }
    });

    it('can be joined in the middle of a run', async () => {
      const stream = begin(here, await newRun());
      const nearby = await here.events.readThread(thread_id, { from: 'now' });
      const reader = await there.events.readThread(thread_id, { from: 'now' });
      write(stream, '1');
      await finish(here, stream);
      for (const { next, leave } of [nearby, reader].map((one) => ({ next: one.next(), leave: () => one.return() }))) {
        expect((await next).value![0]).toMatchObject({ event: 'custom', json: '1' });
        leave();
      }
    });

    it('can be read again after a disconnect, in any process, without missing events', async () => {
      const reader = await there.events.readThread(thread_id, { from: 'now' });
      await untilFollowed(here, thread_id);
      const first = begin(here, await newRun());
      await finish(here, first);
      const { value } = await reader.next();
      reader.return();
      await askUntil(logged, (count) => count === 2);
      for (const process of [here, there]) {
        const stream = begin(process, await newRun({ reader: 'nowhere' }));
        write(stream, '1');
        await finish(process, stream);
      }
      await askUntil(logged, (count) => count === 8);
      const again = await here.events.readThread(thread_id, { from: 'after', seq: value!.at(-1)!.seq });
      here.notifications.publish({ topic: 'thread_deleted', id: thread_id });
      expect((await all(again)).slice(-6)).toEqual(['metadata', '1', 'run_done', 'metadata', '1', 'run_done']);
    });

    it('ends its readers when it is deleted, even when the notification is lost', async () => {
      const reader = await there.events.readThread(thread_id, { from: 'now' });
      there.notifications.isDeaf = true;
      const seen = all(reader);
      await database.pool.query('DELETE FROM threads WHERE thread_id = $1', [thread_id]);
      expect(await seen).toEqual([]);
    });

    it('cannot be read while the log is unavailable', async () => {
      there.sql.isUnavailable = true;
      await expect(there.events.readThread(thread_id, { from: 'now' })).rejects.toThrow(DatabaseUnavailableError);
      expect(there.events.isFollowed(thread_id)).toBe(true);
      there.sql.isUnavailable = false;
    });
  });

  it('does not disconnect a stream that is just ending in this process', async () => {
    const run = await newRun();
    const stream = begin(here, run);
    const reader = ofRun(read(here, run));
    await stream.drained();
    // Another process has read the run's final status from the database before this one has closed the stream.
    here.events.end(run.run_id);
    stream.finish('success');
    expect(await reader).toEqual(['metadata']);
  });

  it('delivers the end of a run that another process has written', async () => {
    for (const resumable of [true, false]) {
      const run = await newRun({ resumable });
      const stream = begin(here, run);
      const reader = ofRun(read(here, run));
      await stream.drained();
      await endRun(run.run_id);
      const last = { event: 'error', json: '{}' };
      here.notifications.isDeaf = true;
      await there.events.append(thread_id, [last], run.run_id);
      stream.end(last);
      expect(await reader).toEqual(['metadata', 'error']);
      here.notifications.isDeaf = false;
    }
  });

  it('knows the readers of other processes, and forgets those that have ended', async () => {
    const run = await newRun();
    const stream = begin(here, run);
    const reader = read(there, run);
    await askUntil(() => Promise.resolve(here.events.isFollowed(run.run_id)), Boolean);
    const pending = reader.next();
    reader.return();
    await pending;
    expect(there.events.isFollowed(run.run_id)).toBe(false);
    await untilFollowed(here, run.run_id, false);
    await finish(here, stream);
    const next = begin(here, await newRun());
    const before = await logged();
    write(next, '1');
    await finish(here, next);
    expect(await logged()).toBe(before);
  });

  it('keeps no memory of ended runs and readers', async () => {
    for (let n = 0; n < 20; n += 1) {
      const run = await newRun({ resumable: n % 2 === 0 });
      const executing = n % 4 < 2 ? here : there;
      const readers = [here, there].map((process) => ofRun(read(process, run)));
      const stream = begin(executing, run);
      write(stream, '1');
      await finish(executing, stream);
      await Promise.all(readers);
    }
    const left = read(here, await newRun(), { from: 'now' });
    void left.next();
    left.return();
    for (const { events } of [here, there]) {
      await events.beforeApplicationShutdown();
      expect(sizesOf(events)).toEqual({ runs: 0, executing: 0, finished: 0, trimming: 0, threads: 0, followers: 0, waiting: 0, inFlight: 0 }); // prettier-ignore
    }
  });
});

/** The sizes of all collections that could grow. */
function sizesOf(events: EventStream): Record<string, number> {
  const inner = events as unknown as Record<
    'runs' | 'executing' | 'trimming' | 'finished' | 'readers' | 'writer',
    { size: number } & Record<'kept' | 'threads' | 'followers' | 'waiting' | 'inFlight', { size: number }>
  >;
  const { runs, executing, trimming, finished, readers, writer } = inner;
  return {
    runs: runs.size,
    executing: executing.size,
    trimming: trimming.size,
    finished: finished.kept.size,
    threads: readers.threads.size,
    followers: readers.followers.size,
    waiting: writer.waiting.size,
    inFlight: writer.inFlight.size,
  };
}
