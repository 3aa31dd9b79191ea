import pg from 'pg';
import { DataSource, type DataSourceOptions, QueryFailedError, type QueryRunner } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { DatabaseUnavailableError } from './database.errors.js';
import { LOCK_TIMEOUT_MS, sessionSettings } from './lock-timeout.js';
import { toDatabaseError } from './transient.js';

/** Begins every session's application_name, so that sessions of Nestgraph can be told from others. */
export const APPLICATION_NAME = 'nestgraph';

export interface ConnectionSettings {
  uri: string;
  pool_size: number;
  lock_timeout_ms?: number;
}

/** A connection of the pool. */
class PooledClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // While a connection changes hands in the pool nothing else listens: an error would end the process. The next
    // statement on it fails.
    this.on('error', () => undefined);
  }

  /** Whatever the reason, without a connection the database is unavailable. Only the pool calls this. */
  override connect(callback?: (error: Error) => void): Promise<void> & void {
    const report = callback && ((error?: Error) => callback((error && new DatabaseUnavailableError(error))!));
    return super.connect(report!) as Promise<void> & void;
  }
}

/** What this file needs of TypeORM's runner beyond its interface. */
interface PostgresQueryRunner extends QueryRunner {
  releasePostgresConnection(error?: Error): Promise<void>;
}

/** TypeORM with our errors: what another try may not meet is a {@link DatabaseUnavailableError}, as from `Sql`. */
export class NestgraphDataSource extends DataSource {
  override createQueryRunner(mode?: 'master' | 'slave'): QueryRunner {
    const runner = super.createQueryRunner(mode) as PostgresQueryRunner;
    const query = runner.query.bind(runner);
    const release = runner.releasePostgresConnection.bind(runner);
    let broken: Error | undefined;
    // TypeORM releases a runner at once when its connection breaks, and then says that the caller used it too long.
    runner.releasePostgresConnection = (error) => {
      broken ??= error;
      return error ? Promise.resolve() : release(broken);
    };
    runner.query = (async (...args: Parameters<QueryRunner['query']>) => {
      try {
        return (await query(...args)) as unknown;
      } catch (error) {
        throw toDatabaseError(driverErrorOf(error), error);
      }
    }) as QueryRunner['query'];
    return runner;
  }
}

const driverErrorOf = (error: unknown): unknown => (error instanceof QueryFailedError ? error.driverError : error);

export const dataSourceOptions = ({
  uri,
  pool_size,
  lock_timeout_ms = LOCK_TIMEOUT_MS,
}: ConnectionSettings): DataSourceOptions => ({
  type: 'postgres',
  url: uri,
  applicationName: APPLICATION_NAME,
  poolSize: pool_size,
  migrations,
  migrationsTableName: 'nestgraph_migrations',
  extra: {
    connectionTimeoutMillis: 10_000,
    Client: PooledClient,
    // The pool's hook for new connections.
    verify: (client: pg.PoolClient, done: (error?: Error) => void) =>
      void client.query(sessionSettings(lock_timeout_ms)).then(() => done(), done),
  },
});

/** TypeORM's own pool: everything in the process shares it, hand-written SQL included. */
export const poolOf = (dataSource: DataSource): pg.Pool => (dataSource.driver as unknown as { master: pg.Pool }).master;
