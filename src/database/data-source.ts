import pg from 'pg';
import { DataSource, type DataSourceOptions, QueryFailedError, type QueryRunner } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { DatabaseUnavailableError } from './database.errors.js';
import { LOCK_TIMEOUT_MS, sessionSettings } from './lock-timeout.js';
import { toDatabaseError } from './transient.js';

/** Prefix of the application_name of every session, which identifies the sessions of Nestgraph. */
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
    // While the pool hands over a connection it has no other error listener: an error would end the process. The next
    // statement on the connection fails.
    this.on('error', () => undefined);
  }

  /** Reports any connection error as an unavailable database. Only the pool calls this. */
  override connect(callback?: (error: Error) => void): Promise<void> & void {
    const report = callback && ((error?: Error) => callback((error && new DatabaseUnavailableError(error))!));
    return super.connect(report!) as Promise<void> & void;
  }
}

/** The part of TypeORM's runner that its interface does not declare. */
interface PostgresQueryRunner extends QueryRunner {
  releasePostgresConnection(error?: Error): Promise<void>;
}

/** TypeORM that throws {@link DatabaseUnavailableError} for transient errors, as `Sql` does. */
export class NestgraphDataSource extends DataSource {
  override createQueryRunner(mode?: 'master' | 'slave'): QueryRunner {
    const runner = super.createQueryRunner(mode) as PostgresQueryRunner;
    const query = runner.query.bind(runner);
    const release = runner.releasePostgresConnection.bind(runner);
    let broken: Error | undefined;
    // TypeORM releases a runner at once when its connection breaks, and then reports the caller's use after release.
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
    // The pool calls this for each new connection.
    verify: (client: pg.PoolClient, done: (error?: Error) => void) =>
      void client.query(sessionSettings(lock_timeout_ms)).then(() => done(), done),
  },
});

/** TypeORM's pool. The whole process shares it, including hand-written SQL. */
export const poolOf = (dataSource: DataSource): pg.Pool => (dataSource.driver as unknown as { master: pg.Pool }).master;
