import { Injectable } from '@nestjs/common';
import type { AuthFilter } from '../auth/index.js';
import { Sql } from '../database/index.js';
import { DELETE_RUNS } from '../execution/index.js';
import { ThreadsService, ThreadStateService } from '../threads/index.js';
import { type Run, RUN_FIELDS, toRun } from './dto/run.dto.js';
import type { RunListQuery, RunsCancelRequest } from './dto/run-requests.dto.js';
import { RunFinder } from './queue/run-finder.js';
import { RunStops, type Stopping } from './queue/run-stops.js';
import { isActive, type RunStatus } from './run.entity.js';
import { RunStopService } from './cancel/run-stop.service.js';
import { NothingToCancelError, RunActiveError, RunNotFoundError } from './runs.errors.js';

/** Maximum number of runs that one request cancels by status. */
const MAX_CANCELLED_RUNS = 10_000;

/** Lists, reads, cancels and deletes runs. `RunCreationService` creates them. */
@Injectable()
export class RunsService {
  constructor(
    private readonly finder: RunFinder,
    private readonly sql: Sql,
    private readonly threads: ThreadsService,
    private readonly stops: RunStops,
    private readonly stopper: RunStopService,
    private readonly threadState: ThreadStateService,
  ) {}

  async list(thread_id: string, query: RunListQuery): Promise<Run[]> {
    await this.threads.assertExists(thread_id);
    const { select = [...RUN_FIELDS] } = query;
    const rows = await this.finder.list(thread_id, { ...query, select });
    return rows.map((row) => toRun(row, select));
  }

  /** An ended stateless run counts as deleted with its thread. Only reconnecting clients can still get its result. */
  async get(thread_id: string, run_id: string): Promise<Run> {
    const row = await this.finder.find(run_id, thread_id);
    if (row.kwargs.temporary && !isActive(row.status)) {
      throw new RunNotFoundError(run_id);
    }
    return toRun(row);
  }

  /** Deletes an ended run and the checkpoints it wrote. The thread gets back the state that the run before it left. */
  async delete(thread_id: string, run_id: string): Promise<void> {
    const { status } = await this.finder.find(run_id, thread_id);
    if (isActive(status)) {
      throw new RunActiveError(run_id);
    }
    const left = await this.sql.transaction(async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const wasLast = (await this.stops.lastEnded(client, thread_id))?.run_id === run_id;
      await client.query('DELETE FROM runs WHERE thread_id = $1 AND run_id = $2', [thread_id, run_id]);
      await client.query(DELETE_RUNS, [[thread_id], [run_id]]);
      if (!wasLast) {
        return undefined;
      }
      await this.stops.stampAsLastRun(client, thread_id);
      return (await this.stops.lastEnded(client, thread_id)) ?? {};
    });
    if (left) {
      await this.threadState.refresh(thread_id, left);
    }
  }

  /**
   * Cancels a run, in any process. Resolves when the run has stopped; without `wait`, as soon as the cancellation is
   * stored. An ended run stays as it is.
   */
  async cancel(thread_id: string, run_id: string, stopping: Stopping, wait: boolean): Promise<void> {
    await this.finder.find(run_id, thread_id);
    if (wait) {
      await this.stopper.stop(thread_id, [run_id], stopping);
    } else {
      await this.stopper.requestStop(thread_id, run_id, stopping);
    }
  }

  /**
   * Cancels many runs: those with `run_ids` on a thread, or all with a status on the threads the caller may see. Throws
   * 404 if none is active.
   */
  async cancelMany(
    { thread_id, run_ids, status }: RunsCancelRequest,
    stopping: Stopping,
    visible?: AuthFilter,
  ): Promise<void> {
    let stopped: number;
    if (thread_id && run_ids) {
      stopped = await this.stopper.stop(thread_id, run_ids, stopping);
      if (stopped === 0) {
        await this.threads.assertExists(thread_id);
      }
    } else {
      const statuses: RunStatus[] = status === 'all' || !status ? ['pending', 'running'] : [status];
      stopped = await this.stopper.stopAll(
        await this.stops.findActive(statuses, MAX_CANCELLED_RUNS, visible),
        stopping,
      );
    }
    if (stopped === 0) {
      throw new NothingToCancelError();
    }
  }
}
