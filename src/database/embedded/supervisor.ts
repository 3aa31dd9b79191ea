import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { type Connection, connectToServer } from './connect.js';
import { serverLogPath } from './server-log.js';
import type { Session } from './server-session.js';
import { withStartLock } from './start-lock.js';

/** Delay before each restart attempt, in milliseconds. After the last attempt the supervisor gives up. */
const BACK_OFF_MS = [0, 500, 1_000, 2_000, 4_000];
/** After this uptime a server counts as stable, and the number of failures is reset. */
const STABLE_MS = 60_000;

/** Restarts the server when it ends while this process uses it, and reopens the presence session. */
export class Supervisor {
  private readonly stopping = new AbortController();
  private recovering?: Promise<void>;
  /** Consecutive ends of the server and failed starts. */
  private failures = 0;
  private startedAt = Date.now();

  /** `onLost` is called when the supervisor gives up. */
  constructor(
    private readonly cluster: Cluster,
    private connection: Connection,
    private readonly onLost: ((error: EmbeddedPostgresError) => void) | undefined,
  ) {
    this.watch();
  }

  /** False while the server restarts. */
  get isRunning(): boolean {
    return this.recovering === undefined;
  }

  /** Ends the supervision and returns the open presence session. */
  async stop(): Promise<Session> {
    this.stopping.abort();
    await this.recovering;
    return this.connection.presence;
  }

  private watch(): void {
    const { presence } = this.connection;
    // The session must not keep this process alive before stop().
    presence.unref();
    if (this.onLost) {
      presence.once('end', () => {
        if (!this.stopping.signal.aborted) {
          this.recovering = this.recover().finally(() => (this.recovering = undefined));
        }
      });
    }
  }

  private async recover(): Promise<void> {
    const { log } = this.cluster;
    const { signal } = this.stopping;
    if (Date.now() - this.startedAt > STABLE_MS) {
      this.failures = 0;
    }
    let reason = 'it ended repeatedly';
    while (this.failures < BACK_OFF_MS.length) {
      await sleep(BACK_OFF_MS[this.failures], undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        return;
      }
      try {
        await this.reconnect();
        return;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.failures += 1;
        reason = (error as Error).message;
        log(`The embedded PostgreSQL could not be restarted: ${reason}`);
      }
    }
    this.onLost?.(
      new EmbeddedPostgresError(
        `The embedded PostgreSQL of ${this.cluster.location.data} cannot be kept running: ${reason}. ` +
          `See ${serverLogPath(this.cluster.location.home)}; fix the cause, or set DATABASE_URI, and start again.`,
      ),
    );
  }

  private reconnect(): Promise<void> {
    const { cluster, stopping, connection } = this;
    return withStartLock(cluster.location.home, async () => {
      const { pid, port } = connection.server;
      this.connection = await connectToServer({ ...cluster, port }, stopping.signal);
      this.watch();
      // After a crash of one of its processes a server loses its sessions, but it has not failed: its pid is the same.
      if (this.connection.server.pid !== pid) {
        this.failures += 1;
        this.startedAt = Date.now();
      }
    });
  }
}
