import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { GraphStateService } from '../../execution/index.js';
import { type Delivery, WebhookOutbox } from '../queue/webhook-outbox.js';
import type { RunKwargs } from '../run.entity.js';
import { ownerOf } from '../results/run-owner.js';
import { settleRun } from '../results/run-result.js';

/** Timeout of the graph for reading a state. */
const READ_TIMEOUT_MS = 10_000;

/**
 * Reads the final state of a run that was stopped from outside: replaced, cancelled without ending by itself, or given
 * up. No process reported the state then, but the run's last checkpoint holds it, and later runs do not change that
 * checkpoint.
 */
@Injectable()
export class FinalState {
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly graphState: GraphStateService,
  ) {}

  /** Returns the delivery with its final state, and stores the state for later attempts. */
  async complete(delivery: Delivery): Promise<Delivery> {
    if (!delivery.read_state) {
      return delivery;
    }
    const state = await this.readWithTimeout(delivery);
    await this.outbox.keepState(delivery, state);
    return { ...delivery, read_state: false, state: state ?? delivery.state };
  }

  /** Undefined when the graph fails or is too slow: the delivery keeps the thread's values from before the run. */
  private async readWithTimeout(delivery: Delivery): Promise<string | undefined> {
    const timer = new AbortController();
    try {
      const timeout = sleep(READ_TIMEOUT_MS, undefined, { signal: timer.signal });
      return await Promise.race([this.read(delivery), timeout]);
    } catch (error) {
      this.logger.warn(
        `run_id=${delivery.run_id} the final state for its webhook could not be read: ${errorText(error)}`,
      );
      return undefined;
    } finally {
      timer.abort();
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
