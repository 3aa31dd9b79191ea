import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { GraphStateService } from '../../execution/index.js';
import { type Delivery, WebhookOutbox } from '../queue/webhook-outbox.js';
import type { RunKwargs } from '../run.entity.js';
import { ownerOf } from '../run-owner.js';
import { settleRun } from '../worker/run-result.js';

/** Milliseconds that a graph may take to show a state. */
const PATIENCE_MS = 10_000;

/**
 * Finds out what a run has left that was stopped from outside: replaced by another, cancelled without answering, or
 * given up. Nobody was there to say it then, but its last checkpoint does, and is not touched by later runs.
 */
@Injectable()
export class FinalState {
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly graphState: GraphStateService,
  ) {}

  /** The delivery with its state, which is kept for later attempts. */
  async complete(delivery: Delivery): Promise<Delivery> {
    if (!delivery.read_state) {
      return delivery;
    }
    const state = await this.readOrLeave(delivery);
    await this.outbox.keepState(delivery, state);
    return { ...delivery, read_state: false, state: state ?? delivery.state };
  }

  /** A graph that cannot be asked, or is too slow, leaves what the thread had before the run. */
  private async readOrLeave(delivery: Delivery): Promise<string | undefined> {
    const patience = new AbortController();
    try {
      const timeUp = sleep(PATIENCE_MS, undefined, { signal: patience.signal });
      return await Promise.race([this.read(delivery), timeUp]);
    } catch (error) {
      this.logger.warn(`run_id=${delivery.run_id} its last state could not be read: ${errorText(error)}`);
      return undefined;
    } finally {
      patience.abort();
    }
  }

  /** Undefined when the run wrote no checkpoint. */
  private async read(delivery: Delivery): Promise<string | undefined> {
    const { run_id, thread_id, payload } = delivery;
    if (!thread_id) {
      return undefined;
    }
    const { kwargs } = JSON.parse(payload) as { kwargs: RunKwargs };
    const state = await this.graphState.getFinalState(ownerOf({ thread_id, kwargs }), run_id);
    return state && settleRun({ status: 'interrupted', state }).thread.values;
  }
}
