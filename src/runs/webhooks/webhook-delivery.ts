import { Injectable } from '@nestjs/common';
import { RunRecheck } from '../access/run-recheck.js';
import type { Delivery } from '../queue/webhook-outbox.js';
import type { RunKwargs } from '../run.entity.js';
import { FinalState } from './final-state.js';
import type { Attempt } from './webhook-request.js';
import { WebhookSender } from './webhook-sender.js';

/** The part of the payload that the recheck of the run needs. */
interface RunPayload {
  assistant_id: string;
  kwargs: RunKwargs;
}

/** One attempt to deliver a webhook: checks the permission again, completes the payload, sends it. */
@Injectable()
export class WebhookDelivery {
  constructor(
    private readonly recheck: RunRecheck,
    private readonly finalState: FinalState,
    private readonly sender: WebhookSender,
  ) {}

  /** Undefined when the signal has aborted the attempt. */
  async attempt(delivery: Delivery, signal: AbortSignal): Promise<Attempt | undefined> {
    const refusal = await this.refusalOf(delivery);
    if (refusal) {
      return refusal;
    }
    const complete = await this.finalState.complete(delivery);
    const attempt = await this.sender.send(complete, signal);
    return signal.aborted && attempt.result !== 'delivered' ? undefined : attempt;
  }

  /** The state is sent only while the caller of the run is still allowed to create it. */
  private async refusalOf({ run_id, thread_id, payload, caller }: Delivery): Promise<Attempt | undefined> {
    if (!caller) {
      return undefined;
    }
    const { assistant_id, kwargs } = JSON.parse(payload) as RunPayload;
    const refusal = await this.recheck.refusalOf({ run_id, thread_id, assistant_id, kwargs }, caller);
    return refusal && { result: refusal.is_decided ? 'refused' : 'failed', reason: refusal.message };
  }
}
