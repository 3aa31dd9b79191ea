import { Injectable } from '@nestjs/common';
import { RunStopService } from '../cancel/run-stop.service.js';
import type { Run } from '../dto/run.dto.js';
import { callerKeyOf } from '../queue/caller-key.js';
import type { NewRun } from '../queue/run-inserts.js';
import { type SlotReservation, RunWorker } from '../worker/run-worker.js';
import { delayOf, type RunDraft } from './run-draft.js';
import type { CreatedRun } from './run-inserter.js';

/** Longest delay of a Node timer; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Offers a free slot of this process to a new run, so that the run starts without a claim. Notifies the workers. */
@Injectable()
export class SlotOffer {
  constructor(
    private readonly worker: RunWorker,
    private readonly stopper: RunStopService,
  ) {}

  /** Reserves a free slot, inserts the run, and starts it there if it can start at once. */
  async create(draft: RunDraft, insert: (slot: SlotReservation | undefined) => Promise<CreatedRun>): Promise<Run> {
    const slot = this.reserveFor(draft);
    let created: CreatedRun;
    try {
      created = await insert(slot);
    } catch (error) {
      this.releaseUnused(slot);
      throw error;
    }
    await this.announceReplaced(created);
    this.begin(slot, created.started);
    this.wakeWhenDue(draft);
    return created.run;
  }

  /** After the commit of runs that were offered no slot: notifies workers of them. */
  async announce(created: CreatedRun[]): Promise<void> {
    if (created.length > 0) {
      await Promise.all(created.map((one) => this.announceReplaced(one)));
      this.worker.announcePending();
    }
  }

  /** Wakes the workers exactly when the run is due. If this process stops before that, the next poll finds the run. */
  wakeWhenDue({ body }: Pick<RunDraft, 'body'>): void {
    const delay = delayOf(body);
    if (delay > 0 && delay <= MAX_TIMER_MS) {
      setTimeout(() => this.worker.announcePending(), delay).unref();
    }
  }

  private reserveFor({ body, caller }: RunDraft): SlotReservation | undefined {
    return delayOf(body) > 0 ? undefined : this.worker.reserve(callerKeyOf(caller?.user?.identity));
  }

  private async announceReplaced({ run: { thread_id }, replaced }: CreatedRun): Promise<void> {
    if (replaced) {
      await this.stopper.announce(thread_id, replaced.runs, replaced.by);
    }
  }

  /** Starts the run in its reserved slot, or notifies the workers. */
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
}
