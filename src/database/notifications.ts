import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { reportFatalError } from '../common/index.js';
import { APPLICATION_NAME } from './data-source.js';
import { DATABASE } from './database.tokens.js';
import type { Database } from './database.js';

const CHANNEL = 'nestgraph';
/** Milliseconds between two attempts to reconnect. */
const RECONNECT_INTERVAL_MS = 1_000;
/**
 * SQLSTATEs of a missing database and of rejected credentials. Unlike an outage, these are permanent: if all attempts fail
 * with them for this many milliseconds, the process ends, and a supervisor can start one with other settings.
 */
const PERMANENT_SQLSTATES = new Set(['3D000', '28000', '28P01']);
const PERMANENT_FAILURE_TIMEOUT_MS = 60_000;
/** Milliseconds that a stopping process waits until the last messages are sent. */
const SHUTDOWN_FLUSH_MS = 1_000;
/** A NOTIFY payload must stay under 8,000 bytes. */
const MAX_PAYLOAD = 7_500;

/** A message from one process to the others. It only shortens waiting: lost messages cause no error. */
export interface Notification {
  topic:
    | 'run_pending'
    | 'run_ended'
    | 'run_cancelled'
    | 'run_interrupted'
    | 'run_rolled_back'
    | 'run_left'
    | 'run_awaited'
    | 'thread_deleted'
    | 'thread_events'
    | 'thread_followed'
    | 'thread_left'
    | 'run_followed'
    | 'run_wanted'
    | 'followers_wanted'
    | 'webhook_queued';
  /** run_id or thread_id, both as `run_id/thread_id` for `run_left`; empty for `run_pending`, `followers_wanted` and `webhook_queued`. */
  id: string;
}

/**
 * Postgres NOTIFY between processes, on a dedicated connection. The messages of one tick are sent together, in a
 * transaction that writes nothing: a NOTIFY inside a writing transaction would serialize commits.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly logger = new Logger('Notifications');
  private readonly emitter = new EventEmitter().setMaxListeners(0);
  private client?: pg.Client;
  private outbox: Notification[] = [];
  private flushing?: Promise<void>;
  private stopped = false;

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Connects. If the connection is lost later, it reconnects in the background. */
  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.database.uri,
      application_name: `${APPLICATION_NAME} notify`,
    });
    client.on('error', (error) => this.reconnect(client, error));
    client.on('notification', ({ processId, payload }) => {
      // This process delivered its own messages directly.
      if (processId !== (client as unknown as { processID: number }).processID) {
        this.receive(payload ?? '');
      }
    });
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    this.client = client;
  }

  /** Notifies this process immediately and all other processes asynchronously. */
  publish(notification: Notification): void {
    this.emitter.emit(notification.topic, notification.id);
    this.publishToOthers(notification);
  }

  /** Notifies all other processes asynchronously. */
  publishToOthers(notification: Notification): void {
    this.outbox.push(notification);
    this.flushing ??= this.flush();
  }

  /** Resolves when all messages published so far are sent or lost. */
  async flushed(): Promise<void> {
    await this.flushing;
  }

  on(topic: Notification['topic'], listener: (id: string) => void): void {
    this.emitter.on(topic, listener);
  }

  /** Calls the listener after a reconnect: messages in between were missed. */
  onReconnect(listener: () => void): void {
    this.emitter.on('reconnect', listener);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.race([this.flushing, sleep(SHUTDOWN_FLUSH_MS, undefined, { ref: false })]);
    this.stopped = true;
    await this.client?.end().catch(() => undefined);
  }

  private receive(payload: string): void {
    for (const line of payload.split('\n')) {
      const [topic = '', id = ''] = line.split(' ');
      this.emitter.emit(topic, id);
    }
  }

  private async flush(): Promise<void> {
    await nextTurn();
    while (this.outbox.length > 0 && this.client && !this.stopped) {
      const payload = this.takePayload();
      try {
        await this.client.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]);
      } catch {
        // The messages are lost. The receivers poll as a fallback.
      }
    }
    this.outbox = [];
    this.flushing = undefined;
  }

  private takePayload(): string {
    const lines: string[] = [];
    for (let size = 0; this.outbox.length > 0 && size < MAX_PAYLOAD;) {
      const { topic, id } = this.outbox.shift()!;
      const line = `${topic} ${id}`;
      size += line.length + 1;
      lines.push(line);
    }
    return [...new Set(lines)].join('\n');
  }

  private reconnect(client: pg.Client, error: Error): void {
    if (this.client !== client || this.stopped) {
      return;
    }
    this.client = undefined;
    this.logger.warn(`Lost the connection for notifications (${error.message}); reconnecting`);
    let failedSince: number | undefined;
    const onFailure = (failure: Error & { code?: string }): void => {
      failedSince = PERMANENT_SQLSTATES.has(failure.code ?? '') ? (failedSince ?? performance.now()) : undefined;
      if (failedSince !== undefined && performance.now() - failedSince > PERMANENT_FAILURE_TIMEOUT_MS) {
        reportFatalError(
          `The database has refused connections for ${PERMANENT_FAILURE_TIMEOUT_MS / 1_000} s (${failure.message}). ` +
            `The process ends. Check DATABASE_URI and that the database exists.`,
        );
        return;
      }
      setTimeout(retry, RECONNECT_INTERVAL_MS).unref();
    };
    const retry = (): void => {
      if (!this.stopped) {
        this.start().then(() => this.emitter.emit('reconnect'), onFailure);
      }
    };
    retry();
  }
}
