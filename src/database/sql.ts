import { createHash } from 'node:crypto';
import type pg from 'pg';
import { beginWith, LOCK_TIMEOUT_MS } from './lock-timeout.js';
import { toDatabaseError } from './transient.js';

/** Executes SQL: the pool, or the connection of a transaction. */
export interface Queryable {
  query<R>(statement: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** Maximum number of prepared statements per connection. Further statements are parsed on each execution. */
const MAX_PREPARED_STATEMENTS = 64;

/**
 * Executes hand-written SQL on the shared pool. Each connection prepares a statement once: planning is a third of the cost
 * of a statement (docs/decisions/0012). Transient errors become a `DatabaseUnavailableError`.
 */
export class Sql implements Queryable {
  private readonly names = new Map<string, string>();

  constructor(
    private readonly pool: pg.Pool,
    private readonly preparesStatements: boolean,
  ) {}

  /** `isPrepared`: false for a dynamic statement, which would occupy a slot of a reusable one. */
  async query<R>(statement: string, values?: unknown[], { isPrepared = true } = {}): Promise<{ rows: R[] }> {
    return this.run<R>(this.pool, statement, values, isPrepared);
  }

  /**
   * Runs `work` in a transaction; an error rolls it back. `work` must not call user code: it could hold the connection and
   * the locks of the transaction for any time.
   */
  transaction<T>(
    work: (db: Queryable) => Promise<T>,
    { lock_timeout_ms = LOCK_TIMEOUT_MS }: { lock_timeout_ms?: number } = {},
  ): Promise<T> {
    return this.withConnection(async (client, onBreak) => {
      try {
        await client.query(beginWith(lock_timeout_ms));
        const result = await work({ query: (statement, values) => this.run(client, statement, values) });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(onBreak);
        throw error;
      }
    });
  }

  /** Runs `work` on one connection without a transaction, then closes the connection: `work` may change its settings. */
  session<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    return this.withConnection((client, onBreak) =>
      work({ query: (statement, values) => this.run(client, statement, values, false) }).finally(() =>
        onBreak(new Error('the session may have changed its settings')),
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
    // Without a listener, a connection that breaks between two statements would end the process.
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
    statement: string,
    values?: unknown[],
    isPrepared = true,
  ): Promise<{ rows: R[] }> {
    try {
      const name = isPrepared ? this.nameOf(statement) : undefined;
      const { rows } = await db.query({ name, text: statement, values });
      return { rows: rows as R[] };
    } catch (error) {
      return rethrow(error);
    }
  }

  /**
   * Name of the prepared statement, the same in every process, because a pooler may share connections. Undefined beyond
   * {@link MAX_PREPARED_STATEMENTS}.
   */
  private nameOf(statement: string): string | undefined {
    const known = this.names.get(statement);
    if (known !== undefined || !this.preparesStatements || this.names.size >= MAX_PREPARED_STATEMENTS) {
      return known;
    }
    const name = `nestgraph_${createHash('sha256').update(statement).digest('hex').slice(0, 24)}`;
    this.names.set(statement, name);
    return name;
  }
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
