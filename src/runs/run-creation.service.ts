import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { AssistantsService } from '../assistants/index.js';
import { type JsonObject, newId } from '../common/index.js';
import { POOL, transaction } from '../database/index.js';
import { assertCheckpointExists, GraphRegistry } from '../execution/index.js';
import { ThreadBusyError, ThreadNotFoundError } from '../threads/index.js';
import { type Run, toRun } from './dto/run.dto.js';
import { resolveMultitask, type StopAction } from './queue/multitask.js';
import { type LockedThread, type NewRun, RunQueue, type StoppedRun } from './queue/run-queue.js';
import { assertSupported, type PreparedRun, prepareRun, type RunCreate } from './run-request.js';
import { RunStopService } from './run-stop.service.js';
import { type Reservation, RunWorker } from './worker/run-worker.js';

/** The runs a new one has taken the place of. */
interface Replaced {
  runs: StoppedRun[];
  by: StopAction;
}

type AssistantRow = Awaited<ReturnType<AssistantsService['resolve']>>;

/** Puts runs into the queue. What it returns is in the database, and has begun if a slot was free. */
@Injectable()
export class RunCreationService {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    private readonly assistants: AssistantsService,
    private readonly graphs: GraphRegistry,
    private readonly queue: RunQueue,
    private readonly worker: RunWorker,
    private readonly stopper: RunStopService,
  ) {}

  /** A run on a thread. */
  async create(thread_id: string, body: RunCreate): Promise<Run> {
    const assistant = await this.assistantFor(body);
    const reservation = this.worker.reserve();
    const run_id = newId();
    let run: Run;
    let started: NewRun | undefined;
    let replaced: Replaced | undefined;
    try {
      ({ run, started, replaced } = await transaction(this.pool, (client) =>
        this.insert(client, { run_id, thread_id, assistant, body }, reservation),
      ));
    } catch (error) {
      this.releaseUnused(reservation);
      throw error;
    }
    if (replaced) {
      this.stopper.announce(replaced.runs, replaced.by);
    }
    this.begin(reservation, started);
    return run;
  }

  /** A run on a thread of its own. */
  async createStateless(body: RunCreate): Promise<Run> {
    const assistant = await this.assistantFor(body);
    const [run_id, thread_id] = [newId(), newId()];
    const temporary = (body.on_completion ?? 'delete') === 'delete';
    const prepared = prepareRun({
      run_id,
      thread_id,
      assistant,
      thread: { config: {}, metadata: {} },
      body,
      temporary,
    });
    const run = toNewRun(run_id, thread_id, assistant, body, prepared);
    const reservation = this.worker.reserve();
    let row;
    try {
      const thread = { hidden: temporary, metadata: threadMetadata(assistant, body), config: prepared.thread_config };
      row = await this.queue.insertStateless(run, thread, reservation);
    } catch (error) {
      this.releaseUnused(reservation);
      throw error;
    }
    this.begin(reservation, reservation && run);
    return toRun(row);
  }

  private async assistantFor(body: RunCreate): Promise<AssistantRow> {
    assertSupported(body);
    const assistant = await this.assistants.resolve(body.assistant_id);
    this.graphs.assertExists(assistant.graph_id);
    return assistant;
  }

  /** The transaction of {@link create}: lock the thread, decide, insert. */
  private async insert(
    client: pg.PoolClient,
    {
      run_id,
      thread_id,
      assistant,
      body,
    }: { run_id: string; thread_id: string; assistant: AssistantRow; body: RunCreate },
    reservation: Reservation | undefined,
  ): Promise<{ run: Run; started?: NewRun; replaced?: Replaced }> {
    const { thread, isNew } = await this.lockOrCreate(client, thread_id, body);
    const decision = resolveMultitask(body.multitask_strategy ?? 'enqueue', thread.newest_run_id !== null);
    if (decision.action === 'reject') {
      throw new ThreadBusyError(thread_id);
    }
    const replaced = decision.action === 'replace' ? await this.replace(client, thread_id, decision.by) : undefined;
    const stamp = isNew ? threadMetadata(assistant, body) : threadMetadata(assistant);
    const settings = { config: thread.config, metadata: { ...thread.metadata, ...stamp } };
    const prepared = prepareRun({ run_id, thread_id, assistant, thread: settings, body, temporary: false });
    await assertCheckpointExists(client, thread_id, prepared.kwargs.config.configurable);
    const run = toNewRun(run_id, thread_id, assistant, body, prepared);
    const begins = decision.action !== 'enqueue';
    // A run that waits must not change what the run before it, still active, has been started with.
    const onThread = begins ? { metadata: stamp, config: prepared.thread_config } : { metadata: {} };
    const row = await this.queue.insert(client, run, onThread, begins ? reservation : undefined);
    return { run: toRun(row), started: begins && reservation ? run : undefined, replaced };
  }

  private async replace(client: pg.PoolClient, thread_id: string, by: StopAction): Promise<Replaced> {
    return { runs: await this.queue.stop(client, thread_id, undefined, by), by };
  }

  private async lockOrCreate(
    client: pg.PoolClient,
    thread_id: string,
    { if_not_exists }: RunCreate,
  ): Promise<{ thread: LockedThread; isNew: boolean }> {
    let thread = await this.queue.lockThread(client, thread_id);
    let isNew = false;
    if (!thread && if_not_exists === 'create') {
      isNew = await this.queue.insertThread(client, thread_id);
      thread = await this.queue.lockThread(client, thread_id);
    }
    if (!thread) {
      throw new ThreadNotFoundError(thread_id);
    }
    return { thread, isNew };
  }

  /** After the commit: the run that has been given the reserved slot begins, or a worker looks at the queue. */
  private begin(reservation: Reservation | undefined, started: NewRun | undefined): void {
    if (reservation && started) {
      this.worker.startReserved({ ...started, attempt: 1, lease_token: reservation.token });
      return;
    }
    this.releaseUnused(reservation);
    this.worker.announcePending();
  }

  private releaseUnused(reservation: Reservation | undefined): void {
    if (reservation) {
      this.worker.release();
    }
  }
}

function toNewRun(
  run_id: string,
  thread_id: string,
  { assistant_id }: AssistantRow,
  { multitask_strategy = 'enqueue' }: RunCreate,
  { kwargs, metadata }: PreparedRun,
): NewRun {
  return { run_id, thread_id, assistant_id, kwargs, metadata, multitask_strategy };
}

/** Stamped on the thread; a thread made for the run takes over the request's metadata too (contract 1.3). */
const threadMetadata = ({ graph_id, assistant_id }: AssistantRow, body?: RunCreate): JsonObject => ({
  ...body?.metadata,
  graph_id,
  assistant_id,
});
