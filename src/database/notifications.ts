import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { endBrokenProcess } from '../common/index.js';
import { APPLICATION_NAME } from './data-source.js';
import { DATABASE } from './database.tokens.js';
import type { Database } from './database.js';

const CHANNEL = 'nestgraph';
/** Milliseconds between two attempts to get the connection back. */
const RETRY_MS = 1_000;
/**
 * SQLSTATE of a database that does not exist any more, or refuses who we are. Unlike an outage that does not pass: after
 * this many milliseconds of nothing else the process ends, and a supervisor starts one with other settings.
 */
const LOST_FOR_GOOD = new Set(['3D000', '28000', '28P01']);
const LOST_MS = 60_000;
/** Milliseconds that the last messages get to leave a process that stops. */
const LAST_WORDS_MS = 1_000;
/** A NOTIFY payload must stay under 8,000 bytes. */
const MAX_PAYLOAD = 7_500;

/** What one process tells the others. Only ever shortens waiting: everything stays right when all of it is lost. */
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
 * Postgres NOTIFY between processes, on one connection of its own. Messages of one tick travel together, in a
 * transaction that writes nothing: a NOTIFY inside a writing transaction would make commits wait for each other.
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

  /** Connects; later losses of the connection are repaired in the background. */
  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.database.uri,
      application_name: `${APPLICATION_NAME} notify`,
    });
    client.on('error', (error) => this.reconnect(client, error));
    client.on('notification', ({ processId, payload }) => {
      // Our own messages have been delivered without the detour.
      if (processId !== (client as unknown as { processID: number }).processID) {
        this.receive(payload ?? '');
      }
    });
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    this.client = client;
  }

  /** Tells this process at once and all others soon. */
  publish(notification: Notification): void {
    this.emitter.emit(notification.topic, notification.id);
    this.tellOthers(notification);
  }

  /** Tells all other processes soon. */
  tellOthers(notification: Notification): void {
    this.outbox.push(notification);
    this.flushing ??= this.flush();
  }

  /** Resolves when what was told so far is on its way, or lost. */
  async sent(): Promise<void> {
    await this.flushing;
  }

  on(topic: Notification['topic'], listener: (id: string) => void): void {
    this.emitter.on(topic, listener);
  }

  /** Called after a lost connection came back: whatever was announced in between has been missed. */
  onReconnect(listener: () => void): void {
    this.emitter.on('reconnect', listener);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.race([this.flushing, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
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
        // Lost: the slow poll of the receivers covers it.
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
    this.logger.warn(`Connection for notifications lost (${error.message}); reconnecting`);
    let lostSince: number | undefined;
    const onFailure = (failure: Error & { code?: string }): void => {
      lostSince = LOST_FOR_GOOD.has(failure.code ?? '') ? (lostSince ?? performance.now()) : undefined;
      if (lostSince !== undefined && performance.now() - lostSince > LOST_MS) {
        endBrokenProcess(
          `The database is lost (${failure.message}), for ${LOST_MS / 1_000} s now. The process ends. ` +
            `Check DATABASE_URI and that the database exists.`,
        );
        return;
      }
      setTimeout(retry, RETRY_MS).unref();
    };
    const retry = (): void => {
      if (!this.stopped) {
        this.start().then(() => this.emitter.emit('reconnect'), onFailure);
      }
    };
    retry();
  }
}
