import { Inject, Injectable } from '@nestjs/common';
import { AssistantsService, type RunAssistant } from '../../assistants/index.js';
import { type AuthContext, authOf, type AuthUser } from '../../auth/index.js';
import { isUuid, newId } from '../../common/index.js';
import { isDisconnected } from '../../http/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { type Queryable, retryWhileUnavailable, Sql } from '../../database/index.js';
import { assertCheckpointExists } from '../../execution/index.js';
import { defaultTtl, ThreadBusyError, ThreadNotFoundError, type ThreadTtl } from '../../threads/index.js';
import { type Run, toRun } from '../dto/run.dto.js';
import { callerKeyOf } from '../queue/caller-key.js';
import { resolveMultitask } from './multitask.js';
import { CancelOnDisconnect } from '../cancel/cancel-on-disconnect.js';
import { type NewRun, RunInserts, type RunThread } from '../queue/run-inserts.js';
import { type StopAction, type StoppedRun, RunStops } from '../queue/run-stops.js';
import type { Delivery, RunCaller } from '../run.entity.js';
import { assertVisible, type PermittedRun, RunAccess } from '../access/run-access.js';
import { type CallingRequest, callerOf, withRequest } from './run-caller.js';
import { delayOf, type RunDraft, prepareStatelessRun, prepareRunOn } from './run-draft.js';
import { type DecidedRun, RunPermissions } from './run-permissions.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { RunStopService } from '../cancel/run-stop.service.js';
import { OwnThreadError, TooManyQueuedRunsError } from '../runs.errors.js';
import { retryOnStaleAssistant, StaleAssistantError } from './stale-assistant.js';
import { type SlotReservation, RunWorker } from '../worker/run-worker.js';

/**
 * Milliseconds for which an insert is retried while the database is unavailable: enough for a broken connection, not
 * for an outage.
 */
const RETRY_TIMEOUT_MS = 2_000;

/** The runs that a new run replaces. */
interface Replaced {
  runs: StoppedRun[];
  by: StopAction;
}

/** A run of a batch; stateless without a `thread_id`. */
export type BatchItem = RunCreate & { thread_id?: string };

/** A run that has been inserted. */
interface Created {
  run: Run;
  /** Set when the run starts at once in the reserved slot. */
  started?: NewRun;
  replaced?: Replaced;
}

/** Creates a run in the caller's transaction. */
export type CreateRun = (decided: DecidedRun<BatchItem>, origin?: RunOrigin) => Promise<Run>;

/** Where a run comes from: an HTTP request or a cron. */
export interface RunOrigin {
  /** Absent for a cron. */
  request?: CallingRequest;
  /** The cron, and the user who created it. */
  cron_id?: string;
  user?: AuthUser;
  /** How the request that creates the run gets its output; absent for a background run. */
  delivery?: Delivery;
}

/** Creates runs. A returned run is committed, and has started if a slot was free. */
@Injectable()
export class RunCreationService {
  constructor(
    private readonly sql: Sql,
    private readonly access: RunAccess,
    private readonly assistants: AssistantsService,
    private readonly permissions: RunPermissions,
    private readonly inserts: RunInserts,
    private readonly stops: RunStops,
    private readonly worker: RunWorker,
    private readonly stopper: RunStopService,
    private readonly disconnects: CancelOnDisconnect,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** The TTL of threads that are created for runs. */
  private get ttl(): ThreadTtl | undefined {
    return defaultTtl(this.config.thread_ttl);
  }

  /** Creates a run on a thread. */
  async create(thread_id: string, body: RunCreate, origin?: RunOrigin): Promise<Run> {
    const permitted = await this.access.permit(authOfOrigin(origin), thread_id, body);
    return this.retryOnStaleAssistant(origin, () => this.createOn(thread_id, permitted, origin));
  }

  /** Creates a run on its own thread. */
  async createStateless(body: RunCreate, origin?: RunOrigin): Promise<Run> {
    const permitted = await this.access.permit(authOfOrigin(origin), undefined, body);
    return this.retryOnStaleAssistant(origin, async () => {
      const draft = await this.draftFor(permitted, origin);
      return this.withSlot(draft, origin, (slot) => this.insertStateless(this.sql, draft, slot));
    });
  }

  /** Creates many runs in one transaction: all or none. They take no reserved slot; a worker claims them. */
  async createBatch(bodies: BatchItem[], origin?: RunOrigin): Promise<Run[]> {
    const auth = authOfOrigin(origin);
    const permitted = await Promise.all(bodies.map((body) => this.access.permit(auth, body.thread_id, body)));
    const created = await this.retryOnStaleAssistant(origin, () => this.insertAll(permitted, origin));
    await this.announce(created);
    permitted.forEach(({ body }) => this.wakeWhenDue(body));
    void Promise.all(created.map(({ run }) => this.disconnects.cancelAbandonedOn(run.thread_id)));
    return created.map(({ run }) => run);
  }

  /**
   * Creates runs together with other writes of the caller: `work` and the runs it creates share one transaction.
   * `decide` runs before that transaction and authorises the runs. Both are called again if an assistant has changed in
   * between.
   */
  async createWith<D, T>(
    decide: () => Promise<D>,
    work: (client: Queryable, decided: D, create: CreateRun) => Promise<T>,
  ): Promise<T> {
    const { result, created } = await this.retryOnStaleAssistant(undefined, async () => {
      const decided = await decide();
      return this.sql.transaction(async (client) => {
        const created: Created[] = [];
        const create: CreateRun = async (run, origin) => {
          const one = await this.insertAny(client, this.toDraft(run, origin, run.body.thread_id), run.body);
          created.push(one);
          return one.run;
        };
        return { result: await work(client, decided, create), created };
      });
    });
    await this.announce(created);
    return result;
  }

  /**
   * Call this before creating a run on a thread. It cancels runs whose clients have disconnected. With the multitask
   * strategy `interrupt`, it also cancels the running run and waits briefly, so that the run can end by itself and keep
   * its progress.
   */
  async endPreviousRun({ thread_id, multitask_strategy }: BatchItem): Promise<void> {
    if (thread_id) {
      await this.disconnects.cancelAbandonedOn(thread_id);
    }
    if (thread_id && multitask_strategy === 'interrupt') {
      await this.stopper.cancelRunningOn(thread_id);
    }
  }

  /** Retries `create` if the assistant has changed since it was read. Throws `AssistantChangingError`. */
  retryOnStaleAssistant<T>(origin: RunOrigin | undefined, create: () => Promise<T>): Promise<T> {
    const forget = (assistant: RunAssistant): void => this.assistants.forget(assistant);
    return retryOnStaleAssistant(create, { forget, isAbandoned: () => isAbandoned(origin) });
  }

  private async createOn(thread_id: string, permitted: PermittedRun<RunCreate>, origin?: RunOrigin): Promise<Run> {
    const { body, visible } = permitted;
    const [draft, thread] = await Promise.all([
      this.draftFor(permitted, origin, thread_id),
      this.inserts.findThread(thread_id),
    ]);
    if (thread) {
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    // `findThread` does not return hidden threads: a stateless run's own thread looks like a missing one.
    if (!thread || thread.newest_run_id) {
      await this.refuseOwnThread(thread_id, body);
    }
    if (thread?.newest_run_id) {
      await this.endPreviousRun({ ...body, thread_id });
    }
    const lock = (client: Queryable): Promise<unknown> => this.inserts.lockThread(client, thread_id);
    const inTransaction = this.retryable(draft, lock, (client, slot) => this.insert(client, draft, slot));
    return this.withSlot(
      draft,
      origin,
      async (slot, again) =>
        (await this.insertInOneStatement(draft, thread, slot, again)) ?? inTransaction(slot, again),
    );
  }

  /**
   * Throws for a deadlock. A graph that calls this server sends the metadata of its own run, as LangGraph's
   * `RemoteGraph` does.
   */
  private async refuseOwnThread(thread_id: string, { config }: RunCreate): Promise<void> {
    const { run_id } = { ...config?.configurable, ...config?.metadata };
    if (isUuid(run_id) && (await this.inserts.isRunning(thread_id, run_id))) {
      throw new OwnThreadError(run_id, thread_id);
    }
  }

  private async insertAll(permitted: PermittedRun<BatchItem>[], origin?: RunOrigin): Promise<Created[]> {
    const bodies = permitted.map(({ body }) => body);
    const drafts = await Promise.all(permitted.map((one) => this.draftFor(one, origin, one.body.thread_id)));
    const lock = (client: Queryable): Promise<void> => this.lockInOrder(client, bodies);
    const insert = this.retryable(drafts[0], lock, async (client) => {
      await lock(client);
      const results: Created[] = [];
      for (const [index, body] of bodies.entries()) {
        results.push(await this.insertAny(client, drafts[index], body));
      }
      return results;
    });
    return this.retryInsert(origin, (again) => insert(undefined, again));
  }

  /**
   * Makes a transaction idempotent, so that it can be retried when its COMMIT outcome is unknown: a retry finds the
   * runs that were committed. `lock` waits for a COMMIT that is still in progress.
   */
  private retryable<T>(
    { run_id }: RunDraft,
    lock: (client: Queryable) => Promise<unknown>,
    insert: (client: Queryable, slot?: SlotReservation) => Promise<T>,
  ): (slot: SlotReservation | undefined, again: boolean) => Promise<T> {
    let last: T | undefined;
    return (slot, again) =>
      this.sql.transaction(async (client) => {
        if (again && last !== undefined) {
          await lock(client);
          if (await this.inserts.findInserted(client, run_id)) {
            return last;
          }
        }
        last = await insert(client, slot);
        return last;
      });
  }

  /** Locks the threads of a batch in sorted order, so that two batches cannot deadlock. */
  private async lockInOrder(client: Queryable, bodies: BatchItem[]): Promise<void> {
    const thread_ids = new Set(bodies.flatMap(({ thread_id }) => thread_id ?? []));
    for (const thread_id of [...thread_ids].sort()) {
      await this.inserts.lockThread(client, thread_id);
    }
  }

  /** Reserves a free slot for a run that is about to be created. The run starts there, if it can start at once. */
  private async withSlot(
    { body, caller }: RunDraft,
    origin: RunOrigin | undefined,
    insert: (slot: SlotReservation | undefined, again: boolean) => Promise<Created>,
  ): Promise<Run> {
    const slot = delayOf(body) > 0 ? undefined : this.worker.reserve(callerKeyOf(caller?.user?.identity));
    let created: Created;
    try {
      created = await this.retryInsert(origin, (again) => insert(slot, again));
    } catch (error) {
      this.releaseUnused(slot);
      throw error;
    }
    const { run, started } = created;
    await this.announceReplaced(created);
    this.begin(slot, started);
    this.wakeWhenDue(body);
    return run;
  }

  private retryInsert<T>(origin: RunOrigin | undefined, insert: (again: boolean) => Promise<T>): Promise<T> {
    return retryWhileUnavailable(RETRY_TIMEOUT_MS, insert, () => isAbandoned(origin));
  }

  /** After the commit: notifies workers of the new runs. */
  private async announce(created: Created[]): Promise<void> {
    if (created.length > 0) {
      await Promise.all(created.map((one) => this.announceReplaced(one)));
      this.worker.announcePending();
    }
  }

  private async announceReplaced({ run: { thread_id }, replaced }: Created): Promise<void> {
    if (replaced) {
      await this.stopper.announce(thread_id, replaced.runs, replaced.by);
    }
  }

  /** Inserts a run in the caller's transaction, on the requested thread or on its own. */
  private insertAny(client: Queryable, draft: RunDraft, { thread_id }: BatchItem): Promise<Created> {
    return thread_id ? this.insert(client, draft) : this.insertStateless(client, draft);
  }

  /**
   * Inserts a run and its own thread in one statement. If the thread exists, an earlier try has inserted both: no other
   * request knows its id.
   */
  private async insertStateless(db: Queryable, draft: RunDraft, slot?: SlotReservation): Promise<Created> {
    const { run, onThread, hidden } = prepareStatelessRun(draft);
    const row =
      (await this.inserts.insertWithThread(
        db,
        run,
        { hidden, ttl: hidden ? undefined : this.ttl, ...onThread },
        slot,
      )) ?? (await this.inserts.findInserted(db, run.run_id));
    if (!row) {
      throw new StaleAssistantError(draft.assistant);
    }
    return { run: toRun(row), started: slot && run };
  }

  private async draftFor(
    permitted: PermittedRun<RunCreate>,
    origin: RunOrigin | undefined,
    thread_id?: string,
  ): Promise<RunDraft> {
    const assistant = await this.permissions.check(authOfOrigin(origin), permitted.body);
    return this.toDraft({ ...permitted, assistant }, origin, thread_id);
  }

  private toDraft(
    { body, visible, assistant }: DecidedRun,
    origin: RunOrigin = {},
    thread_id: string = newId(),
  ): RunDraft {
    const { request, delivery, cron_id, user } = origin;
    const caller = withRequest(request ? callerOf(request, this.config.configurable_headers) : userOf(user), body);
    return { run_id: newId(), thread_id, assistant, body, caller, delivery: delivery ?? null, visible, cron_id };
  }

  /**
   * Inserts a run on an idle or new thread in one statement, which fits most runs. Undefined, with nothing written, if
   * that is not possible or a concurrent request has changed the thread or the assistant. `again`: the COMMIT outcome
   * of an earlier try is unknown.
   */
  private async insertInOneStatement(
    draft: RunDraft,
    thread: RunThread | undefined,
    slot: SlotReservation | undefined,
    again: boolean,
  ): Promise<Created | undefined> {
    if (thread ? thread.newest_run_id !== null : draft.body.if_not_exists !== 'create') {
      return undefined;
    }
    const { run, onThread } = prepareRunOn(draft, thread);
    if (run.kwargs.config.configurable.checkpoint_id) {
      return undefined;
    }
    const inserted = thread
      ? await this.inserts.insert(this.sql, run, onThread, slot, thread.stamp)
      : await this.inserts.insertWithThread(this.sql, run, { hidden: false, ttl: this.ttl, ...onThread }, slot);
    const row = inserted ?? (again ? await this.inserts.findInserted(this.sql, run.run_id) : undefined);
    return row && { run: toRun(row), started: slot && row.status === 'running' ? run : undefined };
  }

  /** In the caller's transaction: locks the thread, applies the multitask strategy, inserts the run. */
  private async insert(client: Queryable, draft: RunDraft, slot?: SlotReservation): Promise<Created> {
    const { body, thread_id, visible } = draft;
    const { thread, isNew } = await this.lockOrCreate(client, thread_id, body);
    if (!isNew) {
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    const decision = resolveMultitask(body.multitask_strategy ?? 'enqueue', thread.newest_run_id !== null);
    if (decision.action === 'reject') {
      throw new ThreadBusyError(thread_id);
    }
    const replaced = decision.action === 'replace' ? await this.replace(client, thread_id, decision.by) : undefined;
    const waits = decision.action === 'enqueue';
    const before = waits ? await this.threadAfterQueuedRuns(client, thread_id, thread) : thread;
    const { run, onThread } = prepareRunOn(draft, isNew ? undefined : before);
    await assertCheckpointExists(client, thread_id, run.kwargs.config.configurable);
    // A queued run must not change the thread's config while the run before it is active.
    const row = waits
      ? await this.inserts.insert(client, { ...run, on_thread: onThread }, {})
      : await this.inserts.insert(client, run, onThread, slot);
    if (!row) {
      throw new StaleAssistantError(draft.assistant);
    }
    return { run: toRun(row), started: !waits && slot ? run : undefined, replaced };
  }

  /**
   * The thread as the queued runs will leave it: settings are merged in the order in which runs are executed. Throws
   * when the queue of the thread is full. The thread is locked, so a concurrent request cannot exceed the limit.
   */
  private async threadAfterQueuedRuns(client: Queryable, thread_id: string, thread: RunThread): Promise<RunThread> {
    const { max_queued } = this.config.queue;
    const { stamp, waiting } = await this.inserts.findQueueTail(client, thread_id, thread, max_queued);
    if (max_queued > 0 && waiting >= max_queued) {
      throw new TooManyQueuedRunsError(thread_id, max_queued);
    }
    return stamp ? { ...thread, config: stamp.config, metadata: { ...thread.metadata, ...stamp.metadata } } : thread;
  }

  private async replace(client: Queryable, thread_id: string, by: StopAction): Promise<Replaced> {
    return { runs: await this.stops.stop(client, thread_id, undefined, { action: by }), by };
  }

  private async lockOrCreate(
    client: Queryable,
    thread_id: string,
    { if_not_exists }: RunCreate,
  ): Promise<{ thread: RunThread; isNew: boolean }> {
    let thread = await this.inserts.lockThread(client, thread_id);
    let isNew = false;
    if (!thread && if_not_exists === 'create') {
      isNew = await this.inserts.insertThread(client, thread_id, this.ttl);
      thread = await this.inserts.lockThread(client, thread_id);
    }
    if (!thread) {
      throw new ThreadNotFoundError(thread_id);
    }
    return { thread, isNew };
  }

  /** After the commit: starts the run in its reserved slot, or notifies the workers. */
  private begin(slot: SlotReservation | undefined, started: NewRun | undefined): void {
    if (slot && started) {
      this.worker.startReserved({ ...started, attempt: 1, lease_token: slot.token, createdByThisProcess: true });
      return;
    }
    this.releaseUnused(slot);
    this.worker.announcePending();
  }

  private releaseUnused(slot: SlotReservation | undefined): void {
    if (slot) {
      this.worker.release(slot);
    }
  }

  /** Wakes the workers exactly when the run is due. If this process stops before that, the next poll finds the run. */
  private wakeWhenDue(body: RunCreate): void {
    const delay = delayOf(body);
    if (delay > 0 && delay <= MAX_TIMER_MS) {
      setTimeout(() => this.worker.announcePending(), delay).unref();
    }
  }
}

const userOf = (user: AuthUser | undefined): RunCaller | null => (user ? { headers: {}, user } : null);

/** True once the client that requests the run has disconnected. */
const isAbandoned = ({ request }: RunOrigin = {}): boolean => request !== undefined && isDisconnected(request);

/** The auth context of the request, or of the user who created the cron. */
const authOfOrigin = ({ request, user }: RunOrigin = {}): AuthContext => (request ? authOf(request) : { user });

/** Longest delay of a Node timer; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
