import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { migrations } from '../../migrations/index.js';

/** Begins every session's application_name, so that sessions of Nestgraph can be told from others. */
export const APPLICATION_NAME = 'nestgraph';

export interface ConnectionSettings {
  uri: string;
  pool_size: number;
}

/**
 * While a connection changes hands in the pool nobody listens to it: should it break in that moment, it would end the
 * process. Whoever has it is told by the next statement.
 */
class PooledClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

export const dataSourceOptions = ({ uri, pool_size }: ConnectionSettings): DataSourceOptions => ({
  type: 'postgres',
  url: uri,
  applicationName: APPLICATION_NAME,
  poolSize: pool_size,
  migrations,
  migrationsTableName: 'nestgraph_migrations',
  extra: { connectionTimeoutMillis: 10_000, Client: PooledClient },
});

/** TypeORM's own pool: everything in the process shares it, hand-written SQL included. */
export const poolOf = (dataSource: DataSource): pg.Pool => (dataSource.driver as unknown as { master: pg.Pool }).master;
