import { Inject, Injectable } from '@nestjs/common';
import { AssistantsService, type RunAssistant } from '../assistants/index.js';
import { type AuthContext, authOf, type AuthUser } from '../auth/index.js';
import { isDisconnected, isUuid, newId } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { type Queryable, retryWhileUnavailable, Sql } from '../database/index.js';
import { assertCheckpointExists } from '../execution/index.js';
import { defaultTtl, ThreadBusyError, ThreadNotFoundError, type ThreadTtl } from '../threads/index.js';
import { type Run, toRun } from './dto/run.dto.js';
import { callerKeyOf } from './queue/caller-key.js';
import { resolveMultitask, type StopAction } from './queue/multitask.js';
import type { NewRun, RunThread, StoppedRun } from './queue/queued-run.js';
import { CancelOnDisconnect } from './cancel-on-disconnect.js';
import { RunQueue } from './queue/run-queue.js';
import type { Delivery } from './run.entity.js';
import { assertVisible, type PermittedRun, RunAccess } from './run-access.js';
import { type CallingRequest, callerOf, type RunCaller, withRequest } from './run-caller.js';
import { delayOf, type Order, readyAlone, readyOn } from './run-order.js';
import { type DecidedRun, RunPermissions } from './run-permissions.js';
import type { RunCreate } from './run-request.js';
import { RunStopService } from './run-stop.service.js';
import { OwnThreadError, TooManyQueuedRunsError } from './runs.errors.js';
import { retryOnStaleAssistant, StaleAssistantError } from './stale-assistant.js';
import { type Reservation, RunWorker } from './worker/run-worker.js';

/** Milliseconds that a request waits for a database that is away: a broken connection, not an outage. */
const PATIENCE_MS = 2_000;

/** The runs a new one has taken the place of. */
interface Replaced {
  runs: StoppedRun[];
  by: StopAction;
}

/** A run of a batch: stateless without a thread. */
export type BatchItem = RunCreate & { thread_id?: string };

/** A run that is in the queue. */
interface Created {
  run: Run;
  /** The run, when it has taken the slot it was offered. */
  started?: NewRun;
  replaced?: Replaced;
}

/** Creates a run in a transaction that is under way. */
export type CreateRun = (decided: DecidedRun<BatchItem>, asking?: Asking) => Promise<Run>;

/** How a run is asked for. */
export interface Asking {
  /** Absent when a schedule asks. */
  request?: CallingRequest;
  /** The schedule that asks, and on whose behalf. */
  cron_id?: string;
  user?: AuthUser;
  /** How its output is sent at once; absent for a background run. */
  delivery?: Delivery;
}

/** Puts runs into the queue. What it returns is in the database, and has begun if a slot was free. */
@Injectable()
export class RunCreationService {
  constructor(
    private readonly sql: Sql,
    private readonly access: RunAccess,
    private readonly assistants: AssistantsService,
    private readonly permissions: RunPermissions,
    private readonly queue: RunQueue,
    private readonly worker: RunWorker,
    private readonly stopper: RunStopService,
    private readonly disconnects: CancelOnDisconnect,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Of threads that are made for runs. */
  private get ttl(): ThreadTtl | undefined {
    return defaultTtl(this.config.thread_ttl);
  }

  /** A run on a thread. */
  async create(thread_id: string, body: RunCreate, asking?: Asking): Promise<Run> {
    const permitted = await this.access.permit(authOfAsking(asking), thread_id, body);
    return this.retryOnStaleAssistant(asking, () => this.createOn(thread_id, permitted, asking));
  }

  /** A run on a thread of its own. */
  async createStateless(body: RunCreate, asking?: Asking): Promise<Run> {
    const permitted = await this.access.permit(authOfAsking(asking), undefined, body);
    return this.retryOnStaleAssistant(asking, async () => {
      const order = await this.orderOf(permitted, asking);
      return this.withSlot(order, asking, (slot) => this.insertStateless(this.sql, order, slot));
    });
  }

  /** Many runs in one transaction: all of them or none. They wait for a worker to look at the queue. */
  async createBatch(bodies: BatchItem[], asking?: Asking): Promise<Run[]> {
    const auth = authOfAsking(asking);
    const permitted = await Promise.all(bodies.map((body) => this.access.permit(auth, body.thread_id, body)));
    const created = await this.retryOnStaleAssistant(asking, () => this.insertAll(permitted, asking));
    await this.announce(created);
    permitted.forEach(({ body }) => this.wakeWhenDue(body));
    void Promise.all(created.map(({ run }) => this.disconnects.endOn(run.thread_id)));
    return created.map(({ run }) => run);
  }

  /**
   * Runs that come with a change of the caller's: what `work` does and the runs that it creates are one transaction.
   * `decide` comes before it and decides about the runs. Both are called again when an assistant has changed in between.
   */
  async createWith<D, T>(
    decide: () => Promise<D>,
    work: (client: Queryable, decided: D, create: CreateRun) => Promise<T>,
  ): Promise<T> {
    const { result, created } = await this.retryOnStaleAssistant(undefined, async () => {
      const decided = await decide();
      return this.sql.transaction(async (client) => {
        const created: Created[] = [];
        const create: CreateRun = async (run, asking) => {
          const one = await this.insertAny(client, this.toOrder(run, asking, run.body.thread_id), run.body);
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
   * Before a run is created on a thread: a run whose clients have left is cancelled, and one that is interrupted may end
   * by itself, if it does so soon, and keep what it has done.
   */
  async makeRoom({ thread_id, multitask_strategy }: BatchItem): Promise<void> {
    if (thread_id) {
      await this.disconnects.endOn(thread_id);
    }
    if (thread_id && multitask_strategy === 'interrupt') {
      await this.stopper.letEnd(thread_id);
    }
  }

  /** Retries when an assistant has changed since it was read. Throws `AssistantChangingError`. */
  retryOnStaleAssistant<T>(asking: Asking | undefined, create: () => Promise<T>): Promise<T> {
    const forget = (assistant: RunAssistant): void => this.assistants.forget(assistant);
    return retryOnStaleAssistant(create, { forget, isAbandoned: () => isAbandoned(asking) });
  }

  private async createOn(thread_id: string, permitted: PermittedRun<RunCreate>, asking?: Asking): Promise<Run> {
    const { body, visible } = permitted;
    const [order, thread] = await Promise.all([
      this.orderOf(permitted, asking, thread_id),
      this.queue.findThread(thread_id),
    ]);
    if (thread) {
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    // The thread of a stateless run is found by nobody.
    if (!thread || thread.newest_run_id) {
      await this.refuseOwnThread(thread_id, body);
    }
    if (thread?.newest_run_id) {
      await this.makeRoom({ ...body, thread_id });
    }
    const lock = (client: Queryable): Promise<unknown> => this.queue.lockThread(client, thread_id);
    const inTransaction = this.repeatable(order, lock, (client, slot) => this.insert(client, order, slot));
    return this.withSlot(
      order,
      asking,
      async (slot, again) => (await this.insertAtOnce(order, thread, slot, again)) ?? inTransaction(slot, again),
    );
  }

  /** A graph that calls this server sends the metadata of its own run along, as LangGraph's `RemoteGraph` does. */
  private async refuseOwnThread(thread_id: string, { config }: RunCreate): Promise<void> {
    const { run_id } = { ...config?.configurable, ...config?.metadata };
    if (isUuid(run_id) && (await this.queue.isRunning(thread_id, run_id))) {
      throw new OwnThreadError(run_id, thread_id);
    }
  }

  private async insertAll(permitted: PermittedRun<BatchItem>[], asking?: Asking): Promise<Created[]> {
    const bodies = permitted.map(({ body }) => body);
    const orders = await Promise.all(permitted.map((one) => this.orderOf(one, asking, one.body.thread_id)));
    const lock = (client: Queryable): Promise<void> => this.lockInOrder(client, bodies);
    const insert = this.repeatable(orders[0], lock, async (client) => {
      await lock(client);
      const results: Created[] = [];
      for (const [index, body] of bodies.entries()) {
        results.push(await this.insertAny(client, orders[index], body));
      }
      return results;
    });
    return this.retryInsert(asking, (again) => insert(undefined, again));
  }

  /**
   * A transaction that can be tried again when the answer to its COMMIT was lost: what it has written is found. `lock`
   * waits for a COMMIT that is still under way.
   */
  private repeatable<T>(
    { run_id }: Order,
    lock: (client: Queryable) => Promise<unknown>,
    insert: (client: Queryable, slot?: Reservation) => Promise<T>,
  ): (slot: Reservation | undefined, again: boolean) => Promise<T> {
    let last: T | undefined;
    return (slot, again) =>
      this.sql.transaction(async (client) => {
        if (again && last !== undefined) {
          await lock(client);
          if (await this.queue.findInserted(client, run_id)) {
            return last;
          }
        }
        last = await insert(client, slot);
        return last;
      });
  }

  /** The threads of a batch, in one order for all batches, so that no two of them wait for each other. */
  private async lockInOrder(client: Queryable, bodies: BatchItem[]): Promise<void> {
    const thread_ids = new Set(bodies.flatMap(({ thread_id }) => thread_id ?? []));
    for (const thread_id of [...thread_ids].sort()) {
      await this.queue.lockThread(client, thread_id);
    }
  }

  /** Offers a free slot to a run that is about to be created, and lets it begin there when it has taken it. */
  private async withSlot(
    { body, caller }: Order,
    asking: Asking | undefined,
    insert: (slot: Reservation | undefined, again: boolean) => Promise<Created>,
  ): Promise<Run> {
    const slot = delayOf(body) > 0 ? undefined : this.worker.reserve(callerKeyOf(caller?.user?.identity));
    let created: Created;
    try {
      created = await this.retryInsert(asking, (again) => insert(slot, again));
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

  private retryInsert<T>(asking: Asking | undefined, insert: (again: boolean) => Promise<T>): Promise<T> {
    return retryWhileUnavailable(PATIENCE_MS, insert, () => isAbandoned(asking));
  }

  /** After the commit, of runs that wait for a worker to look at the queue. */
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

  /** In the caller's transaction, on the thread that is asked for or on one of its own. */
  private insertAny(client: Queryable, order: Order, { thread_id }: BatchItem): Promise<Created> {
    return thread_id ? this.insert(client, order) : this.insertStateless(client, order);
  }

  /** On a thread of its own, in one statement. When the thread is there, so is the run: nobody else knows its id. */
  private async insertStateless(db: Queryable, order: Order, slot?: Reservation): Promise<Created> {
    const { run, onThread, hidden } = readyAlone(order);
    const row =
      (await this.queue.insertWithThread(db, run, { hidden, ttl: hidden ? undefined : this.ttl, ...onThread }, slot)) ??
      (await this.queue.findInserted(db, run.run_id));
    if (!row) {
      throw new StaleAssistantError(order.assistant);
    }
    return { run: toRun(row), started: slot && run };
  }

  private async orderOf(
    permitted: PermittedRun<RunCreate>,
    asking: Asking | undefined,
    thread_id?: string,
  ): Promise<Order> {
    const assistant = await this.permissions.check(authOfAsking(asking), permitted.body);
    return this.toOrder({ ...permitted, assistant }, asking, thread_id);
  }

  private toOrder({ body, visible, assistant }: DecidedRun, asking: Asking = {}, thread_id: string = newId()): Order {
    const { request, delivery, cron_id, user } = asking;
    const caller = withRequest(request ? callerOf(request, this.config.configurable_headers) : userOf(user), body);
    return { run_id: newId(), thread_id, assistant, body, caller, delivery: delivery ?? null, visible, cron_id };
  }

  /**
   * In one statement, on a thread that is idle or new: most runs. Undefined when that cannot be done, or somebody else
   * has changed the thread or the assistant meanwhile; nothing has happened then. `again`: a try before may have been
   * carried out without our knowing.
   */
  private async insertAtOnce(
    order: Order,
    thread: RunThread | undefined,
    slot: Reservation | undefined,
    again: boolean,
  ): Promise<Created | undefined> {
    if (thread ? thread.newest_run_id !== null : order.body.if_not_exists !== 'create') {
      return undefined;
    }
    const { run, onThread } = readyOn(order, thread);
    if (run.kwargs.config.configurable.checkpoint_id) {
      return undefined;
    }
    const inserted = thread
      ? await this.queue.insert(this.sql, run, onThread, slot, thread.stamp)
      : await this.queue.insertWithThread(this.sql, run, { hidden: false, ttl: this.ttl, ...onThread }, slot);
    const row = inserted ?? (again ? await this.queue.findInserted(this.sql, run.run_id) : undefined);
    return row && { run: toRun(row), started: slot && row.status === 'running' ? run : undefined };
  }

  /** In the caller's transaction: lock the thread, decide, insert. */
  private async insert(client: Queryable, order: Order, slot?: Reservation): Promise<Created> {
    const { body, thread_id, visible } = order;
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
    const before = waits ? await this.atEndOfLine(client, thread_id, thread) : thread;
    const { run, onThread } = readyOn(order, isNew ? undefined : before);
    await assertCheckpointExists(client, thread_id, run.kwargs.config.configurable);
    // A run that waits must not change what the run before it, still active, has been started with.
    const row = waits
      ? await this.queue.insert(client, { ...run, on_thread: onThread }, {})
      : await this.queue.insert(client, run, onThread, slot);
    if (!row) {
      throw new StaleAssistantError(order.assistant);
    }
    return { run: toRun(row), started: !waits && slot ? run : undefined, replaced };
  }

  /**
   * The thread as the runs that wait will leave it: settings add up in the order in which runs are executed. The line has an
   * end, which nobody can pass: the thread is locked.
   */
  private async atEndOfLine(client: Queryable, thread_id: string, thread: RunThread): Promise<RunThread> {
    const { max_queued } = this.config.queue;
    const { stamp, waiting } = await this.queue.findLastInLine(client, thread_id, thread, max_queued);
    if (max_queued > 0 && waiting >= max_queued) {
      throw new TooManyQueuedRunsError(thread_id, max_queued);
    }
    return stamp ? { ...thread, config: stamp.config, metadata: { ...thread.metadata, ...stamp.metadata } } : thread;
  }

  private async replace(client: Queryable, thread_id: string, by: StopAction): Promise<Replaced> {
    return { runs: await this.queue.stop(client, thread_id, undefined, { action: by }), by };
  }

  private async lockOrCreate(
    client: Queryable,
    thread_id: string,
    { if_not_exists }: RunCreate,
  ): Promise<{ thread: RunThread; isNew: boolean }> {
    let thread = await this.queue.lockThread(client, thread_id);
    let isNew = false;
    if (!thread && if_not_exists === 'create') {
      isNew = await this.queue.insertThread(client, thread_id, this.ttl);
      thread = await this.queue.lockThread(client, thread_id);
    }
    if (!thread) {
      throw new ThreadNotFoundError(thread_id);
    }
    return { thread, isNew };
  }

  /** After the commit: the run that has been given the reserved slot begins, or a worker looks at the queue. */
  private begin(slot: Reservation | undefined, started: NewRun | undefined): void {
    if (slot && started) {
      this.worker.startReserved({ ...started, attempt: 1, lease_token: slot.token, created_here: true });
      return;
    }
    this.releaseUnused(slot);
    this.worker.announcePending();
  }

  private releaseUnused(slot: Reservation | undefined): void {
    if (slot) {
      this.worker.release(slot);
    }
  }

  /** To the moment, as long as this process lives; otherwise the next look at the queue finds the run. */
  private wakeWhenDue(body: RunCreate): void {
    const delay = delayOf(body);
    if (delay > 0 && delay <= LONGEST_TIMER_MS) {
      setTimeout(() => this.worker.announcePending(), delay).unref();
    }
  }
}

const userOf = (user: AuthUser | undefined): RunCaller | null => (user ? { headers: {}, user } : null);

/** True once the client that requests the run has left. */
const isAbandoned = ({ request }: Asking = {}): boolean => request !== undefined && isDisconnected(request);

/** On whose behalf: that of the request, or of the schedule's caller. */
const authOfAsking = ({ request, user }: Asking = {}): AuthContext => (request ? authOf(request) : { user });

/** Node's timers fire at once when they are asked to wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
