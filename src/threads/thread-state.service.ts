import { Injectable, Logger } from '@nestjs/common';
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
import { interruptsJson, interruptsSql, type LastRunStatus, threadColumns, threadStatus } from './thread-status.js';
import { ThreadStreamService, toOwner } from './thread-stream.service.js';
import {
  ThreadBusyError,
  ThreadChangedError,
  ThreadExistsError,
  ThreadNotFoundError,
  ThreadWithoutGraphError,
} from './threads.errors.js';
import { ThreadsService } from './threads.service.js';

/** Attempts to compute an update of a thread that keeps changing. */
const MAX_ATTEMPTS = 5;

/** The columns of a thread that a state update needs. */
interface FoundThread {
  metadata: JsonObject;
  config: JsonObject;
  newest_run_id: string | null;
  /** Changes with every run and every update. */
  stamp: string;
}

/** The outcome of a thread's last run, which determines the thread's status. */
export interface LastRun {
  /** Absent when no run is left: then the state determines the status. */
  status?: LastRunStatus;
  error?: object | null;
}

/** Reads, updates and lists the states of threads. */
@Injectable()
export class ThreadStateService {
  private readonly logger = new Logger('Threads');

  constructor(
    private readonly threads: ThreadsService,
    private readonly graphState: GraphStateService,
    private readonly stream: ThreadStreamService,
    private readonly sql: Sql,
  ) {}

  async getState(thread_id: string, at: CheckpointReference, options: StateOptions): Promise<Partial<ThreadState>> {
    const owner = await this.ownerOf(thread_id);
    return owner ? this.graphState.getSelected(owner, at, options) : selectState(emptyThreadState(), options.select);
  }

  /** Newest first, read lazily. Throws {@link ThreadNotFoundError}. */
  async getHistory(
    thread_id: string,
    { limit, metadata: filter, checkpoint = {}, before, select }: ThreadHistoryRequest,
  ): Promise<AsyncIterable<Partial<ThreadState>>> {
    const owner = await this.ownerOf(thread_id);
    const options = { limit, filter, before: toBefore(thread_id, before), select };
    return owner ? this.graphState.getHistory(owner, checkpoint, options) : nothing();
  }

  /** Creates a thread with supersteps in one transaction. Throws {@link ThreadWithoutGraphError}. */
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
    const isNew = await this.sql.transaction(async (db) => {
      const inserted = await this.threads.insert(db, thread_id, body);
      if (inserted && !(await writeDraft(db, thread_id, draft, columns))) {
        throw new ThreadChangedError(thread_id);
      }
      return inserted;
    });
    return isNew ? this.threads.get(thread_id) : this.threads.getExisting(thread_id, visible);
  }

  /**
   * Computes the update without a transaction, because the graph's own code may be slow. Then writes it in a transaction
   * that locks the thread, so that a run created meanwhile starts with the new state. If the thread has changed since it
   * was read, the update is computed again. Throws {@link ThreadChangedError} after {@link MAX_ATTEMPTS} attempts.
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
        await this.stream.publishCurrentState({ thread_id, ...thread });
        return toUpdateResponse(draft.checkpoint);
      }
    }
    throw new ThreadChangedError(thread_id);
  }

  /**
   * Updates an idle thread's row from its newest checkpoint, after a run was stopped early or deleted. The status does not
   * change, because a cancelled run leaves its thread idle (contract 2.9). With `left`, the outcome of the run that is now
   * the last one, the status is updated too. If the graph is unavailable, the row stays unchanged.
   */
  async refresh(thread_id: string, left?: LastRun): Promise<void> {
    try {
      const owner = await this.ownerOf(thread_id);
      const state = owner && (await this.graphState.getState(owner, {}, false));
      if (state) {
        const status = left && threadStatus(left.status, state);
        const { rows: updated } = await this.sql.query(
          `UPDATE threads SET values = $2, state_updated_at = now(), status = coalesce($4, status),
                  interrupts = ${interruptsSql('coalesce($4, status)', { interrupted: '$3::json', other: '$6::json' })},
                  error = CASE WHEN $4::text IS NULL THEN error ELSE $5::jsonb END
           WHERE thread_id = $1 AND newest_run_id IS NULL RETURNING thread_id`,
          [
            thread_id,
            state.checkpoint ? jsonbText(toWireJson(state.values)) : null,
            interruptsJson('interrupted', state),
            status ?? null,
            left?.error && status === 'error' ? toJsonb(left.error) : null,
            interruptsJson('idle', state),
          ],
        );
        if (updated.length > 0) {
          await this.stream.publishState(thread_id, state);
        }
      }
    } catch (error) {
      // Hidden and deleted threads need no refresh.
      if (!(error instanceof ThreadNotFoundError)) {
        this.logger.warn(
          `thread_id=${thread_id} Refreshing the thread from its newest checkpoint failed: ${errorText(error)}`,
        );
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

/** Blocks new runs until the transaction ends. */
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

/** The row's columns for a state. Serialization may call code of the graph, so do not call this in a transaction. */
function stateColumns(state: GraphState): unknown[] {
  const { status, values, interrupts } = threadColumns(threadStatus(undefined, state), state);
  return [values, interrupts, status];
}

/** Writes checkpoints and row. Writes nothing and returns false when the draft is no longer current. */
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
