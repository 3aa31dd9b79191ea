import { Inject, Injectable } from '@nestjs/common';
import { RunStopService } from '../cancel/run-stop.service.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import { assertCheckpointExists } from '../../execution/index.js';
import { defaultTtl, ThreadBusyError, ThreadNotFoundError, type ThreadTtl } from '../../threads/index.js';
import { assertVisible } from '../access/run-access.js';
import { type Run, toRun } from '../dto/run.dto.js';
import { type NewLease, type NewRun, RunInserts, type RunThread } from '../queue/run-inserts.js';
import type { StopAction, StoppedRun } from '../queue/run-stops.js';
import { TooManyQueuedRunsError } from '../runs.errors.js';
import { IdempotentInsert } from './idempotent-insert.js';
import { resolveMultitask } from './multitask.js';
import { prepareRunOn, prepareStatelessRun, type RunDraft } from './run-draft.js';
import { StaleAssistantError } from './stale-assistant.js';

/** A run that has been inserted. */
export interface CreatedRun {
  run: Run;
  /** Set when the run starts at once, with the lease that was offered. */
  started?: NewRun;
  /** The runs that it replaces. */
  replaced?: { runs: StoppedRun[]; by: StopAction };
}

/**
 * Inserts runs: in one statement where that is possible, otherwise in a transaction that locks the thread and applies
 * the multitask strategy. `lease` is offered to the run, which uses it if it can start at once.
 */
@Injectable()
export class RunInserter {
  constructor(
    private readonly sql: Sql,
    private readonly inserts: RunInserts,
    private readonly idempotent: IdempotentInsert,
    private readonly stopper: RunStopService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** The TTL of threads that are created for runs. */
  private get ttl(): ThreadTtl | undefined {
    return defaultTtl(this.config.thread_ttl);
  }

  /** Reads a thread without a lock. {@link insert} checks that it has not changed since. */
  findThread(thread_id: string): Promise<RunThread | undefined> {
    return this.inserts.findThread(thread_id);
  }

  /** Inserts a run on its thread, which was read as `thread`. */
  async insert(
    draft: RunDraft,
    thread: RunThread | undefined,
    lease: NewLease | undefined,
    isAbandoned: () => boolean,
  ): Promise<CreatedRun> {
    const lock = (db: Queryable): Promise<unknown> => this.inserts.lockThread(db, draft.thread_id);
    const inTransaction = this.idempotent.transaction(draft.run_id, lock, (db) => this.insertOn(db, draft, lease));
    return this.idempotent.retry(
      async (isRetry) => (await this.insertInOneStatement(draft, thread, lease, isRetry)) ?? inTransaction(isRetry),
      isAbandoned,
    );
  }

  /** Inserts a run and its own thread. */
  insertStateless(draft: RunDraft, lease: NewLease | undefined, isAbandoned: () => boolean): Promise<CreatedRun> {
    return this.idempotent.retry((isRetry) => this.insertOwn(this.sql, draft, lease, isRetry), isAbandoned);
  }

  /** Inserts runs in one transaction: all or none. */
  insertAll(drafts: RunDraft[], isAbandoned: () => boolean): Promise<CreatedRun[]> {
    const lock = (db: Queryable): Promise<void> => this.lockInOrder(db, drafts);
    const insert = this.idempotent.transaction(drafts[0].run_id, lock, async (db) => {
      await lock(db);
      const created: CreatedRun[] = [];
      for (const draft of drafts) {
        created.push(await this.insertIn(db, draft));
      }
      return created;
    });
    return this.idempotent.retry(insert, isAbandoned);
  }

  /** Inserts a run in the caller's transaction, on the requested thread or on its own. */
  insertIn(db: Queryable, draft: RunDraft): Promise<CreatedRun> {
    return draft.stateless ? this.insertOwn(db, draft) : this.insertOn(db, draft);
  }

  /** Locks the threads of a batch in sorted order, so that two batches cannot deadlock. */
  private async lockInOrder(db: Queryable, drafts: RunDraft[]): Promise<void> {
    const thread_ids = new Set(drafts.filter(({ stateless }) => !stateless).map(({ thread_id }) => thread_id));
    for (const thread_id of [...thread_ids].sort()) {
      await this.inserts.lockThread(db, thread_id);
    }
  }

  /**
   * Inserts a run and its own thread in one statement. If the thread exists, an earlier attempt has inserted both: no
   * other request knows its id.
   */
  private async insertOwn(db: Queryable, draft: RunDraft, lease?: NewLease, isRetry = false): Promise<CreatedRun> {
    const { run, onThread, hidden } = prepareStatelessRun(draft);
    const thread = { hidden, ttl: hidden ? undefined : this.ttl, ...onThread };
    const row = await this.idempotent.statement(run.run_id, isRetry, () =>
      this.inserts.insertWithThread(db, run, thread, lease),
    );
    if (!row) {
      throw new StaleAssistantError(draft.assistant);
    }
    return { run: toRun(row), started: lease && run };
  }

  /**
   * Inserts a run on an idle or new thread in one statement, which fits most runs. Undefined, with nothing written, if
   * that is not possible or a concurrent request has changed the thread or the assistant.
   */
  private async insertInOneStatement(
    draft: RunDraft,
    thread: RunThread | undefined,
    lease: NewLease | undefined,
    isRetry: boolean,
  ): Promise<CreatedRun | undefined> {
    if (thread ? thread.newest_run_id !== null : draft.body.if_not_exists !== 'create') {
      return undefined;
    }
    const { run, onThread } = prepareRunOn(draft, thread);
    if (run.kwargs.config.configurable.checkpoint_id) {
      return undefined;
    }
    const row = await this.idempotent.statement(run.run_id, isRetry, () =>
      thread
        ? this.inserts.insert(this.sql, run, onThread, lease, thread.stamp)
        : this.inserts.insertWithThread(this.sql, run, { hidden: false, ttl: this.ttl, ...onThread }, lease),
    );
    return row && { run: toRun(row), started: lease && row.status === 'running' ? run : undefined };
  }

  /** In the caller's transaction: locks the thread, applies the multitask strategy, inserts the run. */
  private async insertOn(db: Queryable, draft: RunDraft, lease?: NewLease): Promise<CreatedRun> {
    const { body, thread_id, visible } = draft;
    const { thread, isNew } = await this.lockOrCreate(db, draft);
    if (!isNew) {
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    const decision = resolveMultitask(body.multitask_strategy ?? 'enqueue', thread.newest_run_id !== null);
    if (decision.action === 'reject') {
      throw new ThreadBusyError(thread_id);
    }
    const replaced = decision.action === 'replace' ? await this.replace(db, thread_id, decision.by) : undefined;
    const waits = decision.action === 'enqueue';
    const before = waits ? await this.threadAfterQueuedRuns(db, thread_id, thread) : thread;
    const { run, onThread } = prepareRunOn(draft, isNew ? undefined : before);
    await assertCheckpointExists(db, thread_id, run.kwargs.config.configurable);
    // A queued run must not change the thread's config while the run before it is active.
    const row = waits
      ? await this.inserts.insert(db, { ...run, on_thread: onThread }, {})
      : await this.inserts.insert(db, run, onThread, lease);
    if (!row) {
      throw new StaleAssistantError(draft.assistant);
    }
    return { run: toRun(row), started: !waits && lease ? run : undefined, replaced };
  }

  private async lockOrCreate(
    db: Queryable,
    { thread_id, body }: RunDraft,
  ): Promise<{ thread: RunThread; isNew: boolean }> {
    let thread = await this.inserts.lockThread(db, thread_id);
    let isNew = false;
    if (!thread && body.if_not_exists === 'create') {
      isNew = await this.inserts.insertThread(db, thread_id, this.ttl);
      thread = await this.inserts.lockThread(db, thread_id);
    }
    if (!thread) {
      throw new ThreadNotFoundError(thread_id);
    }
    return { thread, isNew };
  }

  private async replace(db: Queryable, thread_id: string, by: StopAction): Promise<CreatedRun['replaced']> {
    return { runs: await this.stopper.replace(db, thread_id, by), by };
  }

  /**
   * The thread as the queued runs will leave it: settings are merged in the order in which runs are executed. Throws
   * when the queue of the thread is full. The thread is locked, so a concurrent request cannot exceed the limit.
   */
  private async threadAfterQueuedRuns(db: Queryable, thread_id: string, thread: RunThread): Promise<RunThread> {
    const { max_queued } = this.config.queue;
    const { stamp, waiting } = await this.inserts.findQueueTail(db, thread_id, thread, max_queued);
    if (max_queued > 0 && waiting >= max_queued) {
      throw new TooManyQueuedRunsError(thread_id, max_queued);
    }
    return stamp ? { ...thread, config: stamp.config, metadata: { ...thread.metadata, ...stamp.metadata } } : thread;
  }
}
