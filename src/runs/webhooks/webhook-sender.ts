import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig, type WebhooksConfig } from '../../config/index.js';
import { NESTGRAPH_VERSION } from '../../observability/index.js';
import type { Delivery } from '../queue/webhook-outbox.js';
import { OwnAddress } from './own-address.js';
import { signatureOf } from './signature.js';
import { parseWebhook } from '../dto/webhook-address.js';
import { ipRefusal, webhookRefusal } from './webhook-policy.js';
import { type Attempt, sendWebhook } from './webhook-request.js';

/** Sends the request of a delivery, with its signature (docs/webhooks.md). */
@Injectable()
export class WebhookSender {
  private readonly config: WebhooksConfig;

  constructor(
    @Inject(CONFIG) { webhooks }: NestgraphConfig,
    private readonly own: OwnAddress,
  ) {
    this.config = webhooks;
  }

  /** Checks the settings again: they may have become stricter since the run was created. */
  async send(delivery: Delivery, signal: AbortSignal): Promise<Attempt> {
    const refusal = webhookRefusal(delivery.url, this.config);
    if (refusal) {
      return { result: 'refused', reason: refusal };
    }
    const url = this.urlOf(delivery.url);
    if (!url) {
      return { result: 'failed', reason: 'this process does not listen' };
    }
    const sentAt = new Date();
    const body = bodyOf(delivery, sentAt);
    return sendWebhook({ ...url, headers: this.headersOf(delivery.run_id, sentAt, body), body, signal });
  }

  /** A path is called in this process, so the IP rules do not apply to it. */
  private urlOf(webhook: string): { url: URL; ipRefusal: (ip: string) => string | undefined } | undefined {
    const address = parseWebhook(webhook);
    if (address && 'url' in address) {
      return { url: address.url, ipRefusal: (ip) => ipRefusal(ip, this.config) };
    }
    const { base } = this.own;
    return base && address ? { url: new URL(base + address.path), ipRefusal: () => undefined } : undefined;
  }

  private headersOf(id: string, sentAt: Date, body: string): Record<string, string> {
    const { headers, secret } = this.config;
    const timestamp = Math.floor(sentAt.getTime() / 1000);
    return {
      'user-agent': `nestgraph/${NESTGRAPH_VERSION}`,
      ...headers,
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(secret && { 'webhook-signature': signatureOf({ id, timestamp, body }, secret) }),
    };
  }
}

/** Concatenates JSON strings instead of parsing them: the parts must not change, and they may be large. */
export function bodyOf({ payload, state }: Pick<Delivery, 'payload' | 'state'>, sentAt: Date): string {
  const members = payload.trim().slice(1, -1);
  const values = state === null || state === 'null' ? '{}' : state;
  return `{${members},"values":${values},"webhook_sent_at":"${sentAt.toISOString()}"}`;
}
