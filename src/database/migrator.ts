import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source.js';
import { DatabaseUnreachableError, SchemaLockedError, SchemaOutdatedError } from './database.errors.js';
import { SCHEMA_LOCK_TIMEOUT_MS } from './lock-timeout.js';
import { isLockTimeout } from './transient.js';

/** Key of the advisory lock that lets one process migrate at a time. An arbitrary number, the same in every process. */
const MIGRATION_LOCK = 7_261_986;

/** Runs the pending migrations and returns their names. Safe to run concurrently. */
export function migrate(uri: string): Promise<string[]> {
  return withDataSource(uri, async (dataSource) => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
      const done = await dataSource.runMigrations({ transaction: 'each' });
      return done.map(({ name }) => name);
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      await runner.release();
    }
  });
}

/** Throws {@link SchemaOutdatedError} if migrations are pending. */
export function assertSchemaIsCurrent(uri: string): Promise<void> {
  return withDataSource(uri, async (dataSource) => {
    if (await dataSource.showMigrations()) {
      throw new SchemaOutdatedError();
    }
  });
}

async function withDataSource<T>(uri: string, use: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const dataSource = new DataSource(dataSourceOptions({ uri, pool_size: 2, lock_timeout_ms: SCHEMA_LOCK_TIMEOUT_MS }));
  try {
    await dataSource.initialize();
  } catch (error) {
    throw new DatabaseUnreachableError(uri, error);
  }
  try {
    return await use(dataSource);
  } catch (error) {
    throw isLockTimeout(error) ? new SchemaLockedError(error) : error;
  } finally {
    await dataSource.destroy();
  }
}
