import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import { assertVisible, type PermittedRun } from '../access/run-access.js';
import type { Run } from '../dto/run.dto.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { PreviousRuns } from './previous-runs.js';
import { type RunDraft, toDraft } from './run-draft.js';
import { type CreatedRun, RunInserter } from './run-inserter.js';
import { authOfOrigin, isAbandoned, type RunOrigin } from './run-origin.js';
import { type DecidedRun, RunPermissions } from './run-permissions.js';
import { SlotOffer } from './slot-offer.js';

/** A run of a batch; stateless without a `thread_id`. */
export type BatchItem = RunCreate & { thread_id?: string };

/** Creates a run in the caller's transaction. */
export type CreateRun = (decided: DecidedRun<BatchItem>, origin?: RunOrigin) => Promise<Run>;

/** Creates runs. A returned run is committed, and has started if a slot was free. */
@Injectable()
export class RunCreationService {
  constructor(
    private readonly sql: Sql,
    private readonly permissions: RunPermissions,
    private readonly inserter: RunInserter,
    private readonly slots: SlotOffer,
    private readonly previous: PreviousRuns,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Creates a run on a thread. */
  async create(thread_id: string, body: RunCreate, origin?: RunOrigin): Promise<Run> {
    const permitted = await this.permissions.permit(authOfOrigin(origin), thread_id, body);
    return this.permissions.retryOnStaleAssistant(() => this.createOn(thread_id, permitted, origin), stopOf(origin));
  }

  /** Creates a run on its own thread. */
  async createStateless(body: RunCreate, origin?: RunOrigin): Promise<Run> {
    const permitted = await this.permissions.permit(authOfOrigin(origin), undefined, body);
    return this.permissions.retryOnStaleAssistant(async () => {
      const draft = await this.draftFor(permitted, origin);
      return this.slots.create(draft, (slot) => this.inserter.insertStateless(draft, slot, stopOf(origin)));
    }, stopOf(origin));
  }

  /** Creates many runs in one transaction: all or none. They are offered no slot; a worker claims them. */
  async createBatch(bodies: BatchItem[], origin?: RunOrigin): Promise<Run[]> {
    const auth = authOfOrigin(origin);
    const permitted = await Promise.all(bodies.map((body) => this.permissions.permit(auth, body.thread_id, body)));
    const created = await this.permissions.retryOnStaleAssistant(async () => {
      const drafts = await Promise.all(permitted.map((one) => this.draftFor(one, origin, one.body.thread_id)));
      return this.inserter.insertAll(drafts, stopOf(origin));
    }, stopOf(origin));
    await this.slots.announce(created);
    permitted.forEach((one) => this.slots.wakeWhenDue(one));
    const runs = created.map(({ run }) => run);
    this.previous.cancelAbandoned(runs.map(({ thread_id }) => thread_id));
    return runs;
  }

  /**
   * Creates runs together with other writes of the caller: `work` and the runs it creates share one transaction.
   * `decide` runs before that transaction and authorises the runs. Both are called again if an assistant has changed in
   * between.
   */
  async createWith<D, T>(
    decide: () => Promise<D>,
    work: (db: Queryable, decided: D, create: CreateRun) => Promise<T>,
  ): Promise<T> {
    const { result, created } = await this.permissions.retryOnStaleAssistant(async () => {
      const decided = await decide();
      return this.sql.transaction(async (db) => {
        const created: CreatedRun[] = [];
        const create: CreateRun = async (run, origin) => {
          const one = await this.inserter.insertIn(db, this.toDraft(run, origin, run.body.thread_id));
          created.push(one);
          return one.run;
        };
        return { result: await work(db, decided, create), created };
      });
    });
    await this.slots.announce(created);
    return result;
  }

  /** Call this before {@link createWith} creates a run on a thread: see {@link PreviousRuns.end}. */
  async endPreviousRun({ thread_id, multitask_strategy }: BatchItem): Promise<void> {
    if (thread_id) {
      await this.previous.end(thread_id, { multitask_strategy });
    }
  }

  private async createOn(thread_id: string, permitted: PermittedRun<RunCreate>, origin?: RunOrigin): Promise<Run> {
    const { body, visible } = permitted;
    const [draft, thread] = await Promise.all([
      this.draftFor(permitted, origin, thread_id),
      this.inserter.findThread(thread_id),
    ]);
    if (thread) {
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    await this.previous.prepare(thread_id, thread, body);
    return this.slots.create(draft, (slot) => this.inserter.insert(draft, thread, slot, stopOf(origin)));
  }

  /** Rejects a run that cannot be created; otherwise drafts it, with new ids. */
  private async draftFor(
    permitted: PermittedRun<RunCreate>,
    origin?: RunOrigin,
    thread_id?: string,
  ): Promise<RunDraft> {
    const assistant = await this.permissions.check(authOfOrigin(origin), permitted.body);
    return this.toDraft({ ...permitted, assistant }, origin, thread_id);
  }

  private toDraft(decided: DecidedRun, origin?: RunOrigin, thread_id?: string): RunDraft {
    return toDraft(decided, origin, thread_id, this.config.configurable_headers);
  }
}

/** Creating a run stops retrying once its client has disconnected. */
const stopOf =
  (origin: RunOrigin | undefined): (() => boolean) =>
  () =>
    isAbandoned(origin);
