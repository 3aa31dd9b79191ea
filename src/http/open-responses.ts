import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { onClose } from './on-close.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Set by {@link OpenResponses.attachTo}. */
    openResponses: OpenResponses;
  }
}

/** Milliseconds that a closing server waits for pending responses. */
const SHUTDOWN_RESPONSE_TIMEOUT_MS = 5_000;

/** The responses of one server that are not complete. */
@Injectable()
export class OpenResponses {
  /** Responses that last as long as a run: streams and waits. */
  private readonly open = new Set<ServerResponse>();
  /** All other responses, until they are sent. */
  private readonly pending = new Set<ServerResponse>();
  /** Set by {@link announceShutdown}. */
  private isAnnounced = false;
  private isClosing = false;

  /** Makes this instance known to the replies of a server, which ends its open responses before it closes. */
  attachTo(fastify: FastifyInstance): void {
    fastify.decorate('openResponses', { getter: (): OpenResponses => this });
    fastify.addHook('preClose', () => this.close());
  }

  /** Tracks a response until it is sent, so that a closing server can wait for it. */
  track(response: ServerResponse): void {
    this.pending.add(response);
    onClose(response, () => this.pending.delete(response));
    if (this.isAnnounced) {
      response.setHeader('connection', 'close');
    }
  }

  /** Tracks a hijacked response until it is closed, so that shutdown can destroy it. */
  trackHijacked(response: ServerResponse): void {
    this.pending.delete(response);
    this.open.add(response);
    onClose(response, () => this.open.delete(response));
    if (this.isClosing) {
      setImmediate(() => destroy(response));
    }
  }

  /**
   * From now on responses carry `connection: close`, so that clients do not reuse a connection that is about to close: their
   * requests would be lost. Must be called well before the server closes.
   */
  announceShutdown(): void {
    this.isAnnounced = true;
  }

  /**
   * Destroys the connection of every open stream and wait. Resolves when all current requests have been answered, so that
   * their clients know the outcome.
   */
  private async close(): Promise<void> {
    this.isClosing = true;
    this.open.forEach(destroy);
    const sent = Promise.all([...this.pending].map((response) => once(response, 'close')));
    await Promise.race([sent, sleep(SHUTDOWN_RESPONSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/**
 * To an SDK a clean end means that the run has finished. A broken connection means: reconnect to the URL in the headers,
 * which must therefore be sent first.
 */
function destroy(response: ServerResponse): void {
  response.flushHeaders();
  response.destroy();
}
