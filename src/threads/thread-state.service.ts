import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager } from 'typeorm';
import type { AuthFilter } from '../auth/index.js';
import { errorText, isObject, type JsonObject, newId, toJsonb, toWireJson, jsonbText } from '../common/index.js';
import { type Queryable, Sql } from '../database/index.js';
import {
  type CheckpointConfig,
  type CheckpointReference,
  emptyThreadState,
  type GraphState,
  GraphStateService,
  selectState,
  type StateDraft,
  type StateOptions,
  type StateOwner,
  type ThreadState,
  toCheckpoint,
} from '../execution/index.js';
import type { Thread } from './dto/thread.dto.js';
import type {
  ThreadCreate,
  ThreadHistoryRequest,
  ThreadStateUpdate,
  ThreadUpdateStateResponse,
} from './dto/thread-requests.dto.js';
import { interruptsJson, type LastRunStatus, threadColumns, threadStatus } from './thread-status.js';
import { ThreadStreamService, toOwner } from './thread-stream.service.js';
import {
  ThreadBusyError,
  ThreadChangedError,
  ThreadExistsError,
  ThreadNotFoundError,
  ThreadWithoutGraphError,
} from './threads.errors.js';
import { ThreadsService } from './threads.service.js';

/** How often a change is computed again because the thread has changed meanwhile. */
const MAX_ATTEMPTS = 5;

/** A thread as a change of its state finds it. */
interface FoundThread {
  metadata: JsonObject;
  config: JsonObject;
  newest_run_id: string | null;
  /** Another one after each run and each change. */
  stamp: string;
}

/** How the last run of a thread has ended, as far as the thread's status is concerned. */
export interface LastRun {
  /** Absent when no run is left: the state decides. */
  status?: LastRunStatus;
  error?: object | null;
}

/** The state of threads: read at any checkpoint, changed by hand, listed. */
@Injectable()
export class ThreadStateService {
  private readonly logger = new Logger('Threads');

  constructor(
    private readonly threads: ThreadsService,
    private readonly graphState: GraphStateService,
    private readonly stream: ThreadStreamService,
    private readonly sql: Sql,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  async getState(thread_id: string, at: CheckpointReference, options: StateOptions): Promise<Partial<ThreadState>> {
    const owner = await this.ownerOf(thread_id);
    return owner ? this.graphState.getSelected(owner, at, options) : selectState(emptyThreadState(), options.select);
  }

  /** Newest first, read while it is asked for. Throws {@link ThreadNotFoundError}. */
  async getHistory(
    thread_id: string,
    { limit, metadata: filter, checkpoint = {}, before, select }: ThreadHistoryRequest,
  ): Promise<AsyncIterable<Partial<ThreadState>>> {
    const owner = await this.ownerOf(thread_id);
    const options = { limit, filter, before: toBefore(thread_id, before), select };
    return owner ? this.graphState.getHistory(owner, checkpoint, options) : nothing();
  }

  /** A thread with a past: all of it or nothing. Throws {@link ThreadWithoutGraphError}. */
  async createWithHistory(body: ThreadCreate, visible?: AuthFilter): Promise<Thread> {
    const { thread_id = newId(), metadata = {}, supersteps = [] } = body;
    const owner = toOwner({ thread_id, metadata, config: {} });
    if (!owner) {
      throw new ThreadWithoutGraphError(thread_id);
    }
    if (await this.threads.isTaken(thread_id)) {
      if (body.if_exists !== 'do_nothing') {
        throw new ThreadExistsError(thread_id);
      }
      return this.threads.getExisting(thread_id, visible);
    }
    const draft = await this.graphState.draftSupersteps(owner, supersteps, { graph_id: owner.graph_id });
    const columns = stateColumns(draft.state);
    const isNew = await this.dataSource.transaction(async (manager) => {
      const inserted = await this.threads.insert(manager, thread_id, body);
      const db = sqlOf(manager);
      if (inserted && !(await writeDraft(db, thread_id, draft, columns))) {
        throw new ThreadChangedError(thread_id);
      }
      return inserted;
    });
    return isNew ? this.threads.get(thread_id) : this.threads.getExisting(thread_id, visible);
  }

  /**
   * Computes the change without a transaction, because the graph's own code takes as long as it likes, and writes it in
   * one that locks the thread: a run that is created meanwhile begins with the new state. When the thread has changed
   * since it was read, the change is computed again. Throws {@link ThreadChangedError} when that happens too often.
   */
  async updateState(thread_id: string, body: ThreadStateUpdate): Promise<ThreadUpdateStateResponse> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { rows } = await this.sql.query<FoundThread>(FIND_THREAD, [thread_id]);
      const thread = assertIdle(thread_id, rows.at(0));
      const draft = await this.draftUpdate(thread_id, thread, body);
      const columns = stateColumns(draft.state);
      const isWritten = await this.sql.transaction(async (db) => {
        const { rows } = await db.query<FoundThread>(LOCK_THREAD, [thread_id]);
        const { stamp } = assertIdle(thread_id, rows.at(0));
        return stamp === thread.stamp && (await writeDraft(db, thread_id, draft, columns));
      });
      if (isWritten) {
        await this.stream.stateChanged({ thread_id, ...thread });
        return toUpdateResponse(draft.checkpoint);
      }
    }
    throw new ThreadChangedError(thread_id);
  }

  /**
   * Brings an idle thread's row up to date with its newest checkpoint, after a run that has not got to its end or is
   * gone. The status stays: a cancelled run leaves its thread idle (contract 2.9). `left` is how the run that is the last
   * one now has ended, when the status has to follow too. A graph that cannot be asked leaves the row as it is.
   */
  async refresh(thread_id: string, left?: LastRun): Promise<void> {
    try {
      const owner = await this.ownerOf(thread_id);
      const state = owner && (await this.graphState.getState(owner, {}, false));
      if (state) {
        const status = left && threadStatus(left.status, state);
        const [, updated] = await this.dataSource.query<[unknown, number]>(
          `UPDATE threads SET values = $2, state_updated_at = now(), status = coalesce($4, status),
                  interrupts = CASE coalesce($4, status) WHEN 'interrupted' THEN $3::json ELSE $6::json END,
                  error = CASE WHEN $4::text IS NULL THEN error ELSE $5::jsonb END
           WHERE thread_id = $1 AND newest_run_id IS NULL`,
          [
            thread_id,
            state.checkpoint ? jsonbText(toWireJson(state.values)) : null,
            interruptsJson('interrupted', state),
            status ?? null,
            left?.error && status === 'error' ? toJsonb(left.error) : null,
            interruptsJson('idle', state),
          ],
        );
        if (updated > 0) {
          await this.stream.stateIs(thread_id, state);
        }
      }
    } catch (error) {
      // Hidden threads are not shown, and one that is gone needs nothing.
      if (!(error instanceof ThreadNotFoundError)) {
        this.logger.warn(`thread_id=${thread_id} could not be refreshed: ${errorText(error)}`);
      }
    }
  }

  private draftUpdate(thread_id: string, thread: FoundThread, body: ThreadStateUpdate): Promise<StateDraft> {
    const owner = toOwner({ thread_id, ...thread });
    if (!owner) {
      throw new ThreadWithoutGraphError(thread_id);
    }
    const { values = null, as_node, checkpoint_id } = body;
    return this.graphState.draftUpdate(owner, {
      values,
      as_node,
      checkpoint: { checkpoint_id, ...withoutNulls(body.checkpoint ?? {}) },
      metadata: { graph_id: owner.graph_id },
    });
  }

  private async ownerOf(thread_id: string): Promise<StateOwner | undefined> {
    return toOwner(await this.threads.find(thread_id, ['thread_id', 'metadata', 'config']));
  }
}

async function* nothing(): AsyncGenerator<never> {}

const FIND_THREAD = `
  SELECT metadata, config, newest_run_id, updated_at::text AS stamp FROM threads WHERE thread_id = $1 AND NOT hidden`;

/** No run can begin until the transaction ends. */
const LOCK_THREAD = `${FIND_THREAD} FOR UPDATE`;

/** Throws when the thread does not exist or has an active run. */
function assertIdle(thread_id: string, thread: FoundThread | undefined): FoundThread {
  if (!thread) {
    throw new ThreadNotFoundError(thread_id);
  }
  if (thread.newest_run_id) {
    throw new ThreadBusyError(thread_id);
  }
  return thread;
}

/** What the thread's row shows of a state. Serialising calls code of the graph: not to be done in a transaction. */
function stateColumns(state: GraphState): unknown[] {
  const { status, values, interrupts } = threadColumns(threadStatus(undefined, state), state);
  return [values, interrupts, status];
}

/** Writes checkpoints and row. False when the draft was computed from other checkpoints; then nothing is written. */
async function writeDraft(db: Queryable, thread_id: string, draft: StateDraft, columns: unknown[]): Promise<boolean> {
  const isWritten = await draft.write(db);
  if (isWritten) {
    await db.query(
      `UPDATE threads SET values = $2, interrupts = $3, status = $4, error = NULL, updated_at = clock_timestamp(),
              state_updated_at = clock_timestamp()
       WHERE thread_id = $1`,
      [thread_id, ...columns],
    );
  }
  return isWritten;
}

/** The connection of TypeORM's transaction for hand-written SQL. */
const sqlOf = (manager: EntityManager): Queryable => ({
  query: async <R>(text: string, values?: unknown[]) => ({ rows: await manager.query<R[]>(text, values) }),
});

const toUpdateResponse = (config: CheckpointConfig): ThreadUpdateStateResponse =>
  ({
    checkpoint: { ...toCheckpoint(config) },
    configurable: config.configurable,
    checkpoint_id: config.configurable?.checkpoint_id,
  }) as ThreadUpdateStateResponse;

const withoutNulls = (checkpoint: CheckpointReference): CheckpointReference =>
  Object.fromEntries(Object.entries(checkpoint).filter(([, value]) => value !== null && value !== undefined));

/** A checkpoint id, a Checkpoint, or `{configurable: {checkpoint_id}}` (contract 7.23). */
function toBefore(thread_id: string, before: string | JsonObject | undefined | null) {
  const source = isObject(before) && isObject(before.configurable) ? before.configurable : before;
  const checkpoint_id = isObject(source) ? source.checkpoint_id : source;
  return typeof checkpoint_id === 'string' ? { configurable: { thread_id, checkpoint_id } } : undefined;
}
