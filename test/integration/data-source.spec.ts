import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { type EntityManager, QueryFailedError } from 'typeorm';
import { dataSourceOptions, NestgraphDataSource } from '../../src/database/data-source.js';
import { DatabaseUnavailableError } from '../../src/database/database.errors.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: NestgraphDataSource;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  dataSource = new NestgraphDataSource(dataSourceOptions({ uri: database.uri, pool_size: 2 }));
  await dataSource.initialize();
});
afterEach(() => dataSource.destroy());
afterAll(() => database.drop());

/** Ends the session of a transaction, and waits until its client has noticed. */
async function endSessionOf(manager: EntityManager): Promise<void> {
  const [{ pid }] = await manager.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
  const client = (await manager.queryRunner!.connect()) as pg.PoolClient;
  const noticed = once(client, 'error');
  await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
  await noticed;
}

const UNAVAILABLE = { status: 503, message: 'The database is unavailable. Try again soon.' };

describe('through TypeORM, the database is unavailable', () => {
  it('when a session ends between two statements of a transaction', async () => {
    const work = dataSource.transaction(async (manager) => {
      await endSessionOf(manager);
      await manager.query('SELECT 1');
    });
    await expect(work).rejects.toBeInstanceOf(DatabaseUnavailableError);
    await expect(work).rejects.toMatchObject(UNAVAILABLE);
    expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('when a session ends before its COMMIT', async () => {
    const work = dataSource.transaction((manager) => endSessionOf(manager));
    await expect(work).rejects.toMatchObject(UNAVAILABLE);
  });

  it('when a statement is ended by the server', async () => {
    await expect(dataSource.query('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(['40001', '40P01', '53300', '57P03'])('when a statement meets SQLSTATE %s', async (code) => {
    const statement = `DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '${code}'; END $$`;
    await expect(dataSource.query(statement)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('when no connection can be made, whatever the reason', async () => {
    const options = dataSourceOptions({ uri: database.uri.replace(/\/test_\w+/, '/none'), pool_size: 1 });
    const failure: unknown = await new NestgraphDataSource(options).initialize().catch((error: unknown) => error);
    expect(failure).toMatchObject(UNAVAILABLE);
    expect(String(failure)).toMatch(/^DatabaseUnavailableError: .*\(.*does not exist\)$/);
  });
});

it('a mistake in a statement stays one', async () => {
  await expect(dataSource.query('SELECT nonsense')).rejects.toBeInstanceOf(QueryFailedError);
});

it('a runner that was released stays unusable', async () => {
  const runner = dataSource.createQueryRunner();
  await runner.query('SELECT 1');
  await runner.release();
  await expect(runner.query('SELECT 1')).rejects.toThrow('already released');
});
