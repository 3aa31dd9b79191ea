import { createHash } from 'node:crypto';
import type pg from 'pg';
import { beginWith, LOCK_TIMEOUT_MS } from './lock-timeout.js';
import { toDatabaseError } from './transient.js';

/** Anything that runs SQL: the pool, or the connection of a transaction. */
export interface Queryable {
  query<R>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** Statements that a connection keeps prepared; others are parsed each time. */
const MOST_PREPARED = 64;

/**
 * Hand-written SQL on the shared pool. Statements are prepared once on each connection: planning them is a third of what
 * they cost (docs/decisions/0012). Errors that another try may not meet become a `DatabaseUnavailableError`.
 */
export class Sql implements Queryable {
  private readonly names = new Map<string, string>();

  constructor(
    private readonly pool: pg.Pool,
    private readonly isPreparing: boolean,
  ) {}

  /** `isPrepared`: false for a text that depends on the request, which would take the place of another one. */
  async query<R>(text: string, values?: unknown[], { isPrepared = true } = {}): Promise<{ rows: R[] }> {
    return this.run<R>(this.pool, text, values, isPrepared);
  }

  /**
   * Runs `work` on one connection between BEGIN and COMMIT; an error rolls everything back. No code of a user belongs in
   * here: it would hold the connection, and what the transaction has locked, for as long as it likes.
   */
  transaction<T>(
    work: (db: Queryable) => Promise<T>,
    { lock_timeout_ms = LOCK_TIMEOUT_MS }: { lock_timeout_ms?: number } = {},
  ): Promise<T> {
    return this.withConnection(async (client, onBreak) => {
      try {
        await client.query(beginWith(lock_timeout_ms));
        const result = await work({ query: (text, values) => this.run(client, text, values) });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(onBreak);
        throw error;
      }
    });
  }

  /** Runs `work` on one connection without a transaction, for what cannot be done in one; it is not used again. */
  session<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    return this.withConnection((client, onBreak) =>
      work({ query: (text, values) => this.run(client, text, values, false) }).finally(() =>
        onBreak(new Error('its settings are not those of others')),
      ),
    );
  }

  private async withConnection<T>(
    work: (client: pg.PoolClient, onBreak: (error: Error) => void) => Promise<T>,
  ): Promise<T> {
    const client = await this.pool.connect().catch(rethrow);
    let broken: Error | undefined;
    const onBreak = (error: Error): void => {
      broken = error;
    };
    // Without a listener a connection that breaks between two statements ends the process.
    client.on('error', onBreak);
    try {
      return await work(client, onBreak);
    } catch (error) {
      return rethrow(error);
    } finally {
      client.off('error', onBreak);
      client.release(broken);
    }
  }

  private async run<R>(
    db: pg.Pool | pg.PoolClient,
    text: string,
    values?: unknown[],
    isPrepared = true,
  ): Promise<{ rows: R[] }> {
    try {
      const { rows } = await db.query({ name: isPrepared ? this.nameOf(text) : undefined, text, values });
      return { rows: rows as R[] };
    } catch (error) {
      return rethrow(error);
    }
  }

  /** The same in every process, in case they share connections; undefined for one too many. */
  private nameOf(text: string): string | undefined {
    const known = this.names.get(text);
    if (known !== undefined || !this.isPreparing || this.names.size >= MOST_PREPARED) {
      return known;
    }
    const name = `nestgraph_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
    this.names.set(text, name);
    return name;
  }
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
