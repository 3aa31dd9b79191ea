import { Injectable } from '@nestjs/common';
import { CancelOnDisconnect } from '../cancel/cancel-on-disconnect.js';
import { RunStopService } from '../cancel/run-stop.service.js';
import { isUuid } from '../../common/index.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { RunInserts, type RunThread } from '../queue/run-inserts.js';
import { OwnThreadError } from '../runs.errors.js';

/** What happens to the runs of a thread before a new run is inserted there. */
@Injectable()
export class PreviousRuns {
  constructor(
    private readonly inserts: RunInserts,
    private readonly stopper: RunStopService,
    private readonly disconnects: CancelOnDisconnect,
  ) {}

  /** Prepares a thread, which was read as `thread`, for a new run. Throws {@link OwnThreadError}. */
  async prepare(thread_id: string, thread: RunThread | undefined, body: RunCreate): Promise<void> {
    // `findThread` does not return hidden threads: a stateless run's own thread looks like a missing one.
    if (!thread || thread.newest_run_id) {
      await this.refuseOwnThread(thread_id, body);
    }
    if (thread?.newest_run_id) {
      await this.end(thread_id, body);
    }
  }

  /**
   * Cancels runs whose clients have disconnected. With the multitask strategy `interrupt`, it also cancels the running
   * run and waits briefly, so that the run can end by itself and keep its progress.
   */
  async end(thread_id: string, { multitask_strategy }: Pick<RunCreate, 'multitask_strategy'>): Promise<void> {
    await this.disconnects.cancelAbandonedOn(thread_id);
    if (multitask_strategy === 'interrupt') {
      await this.stopper.cancelRunningOn(thread_id);
    }
  }

  /** Cancels runs on these threads whose clients have disconnected. Does not wait for them. */
  cancelAbandoned(thread_ids: string[]): void {
    void Promise.all(thread_ids.map((thread_id) => this.disconnects.cancelAbandonedOn(thread_id)));
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
}
