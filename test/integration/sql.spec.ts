import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions, poolOf } from '../../src/database/data-source.js';
import { DatabaseUnavailableError, retryWhileUnavailable, Sql } from '../../src/database/index.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

describe('Sql', () => {
  let database: TestDatabase;
  let sql: Sql;
  beforeAll(async () => {
    database = await createDatabase();
    // Connections that are ended by the tests.
    database.pool.on('error', () => undefined);
    sql = new Sql(database.pool, true);
    await sql.query('CREATE TABLE notes (note text)');
  });
  afterAll(() => database.drop());

  const notes = async (): Promise<string[]> =>
    (await sql.query<{ note: string }>('SELECT note FROM notes ORDER BY note')).rows.map(({ note }) => note);
  const write = (note: string) => sql.query('INSERT INTO notes VALUES ($1)', [note]);
  const prepared = async (): Promise<number> => {
    const client = await database.pool.connect();
    try {
      const { rows } = await client.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM pg_prepared_statements',
      );
      return rows[0].count;
    } finally {
      client.release();
    }
  };

  it('prepares a statement once on a connection, and not more of them than it can keep', async () => {
    await write('a');
    const before = await prepared();
    await write('b');
    expect(await prepared()).toBe(before);
    for (let n = 0; n < 100; n += 1) {
      await sql.query(`SELECT ${n}`);
    }
    expect(await prepared()).toBe(64);
    expect((await sql.query('SELECT 1000 AS n')).rows).toEqual([{ n: 1000 }]);
  });

  it('prepares nothing when it is told so', async () => {
    const before = await prepared();
    await new Sql(database.pool, false).query('SELECT 5000');
    expect(await prepared()).toBe(before);
  });

  it('undoes a transaction that fails', async () => {
    const before = await notes();
    const failing = sql.transaction(async (db) => {
      await db.query('INSERT INTO notes VALUES ($1)', ['c']);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await notes()).toEqual(before);
  });

  it('says that the database is unavailable when the connection breaks, and works again with the next one', async () => {
    const broken = sql.transaction(async (db) => {
      await db.query('SELECT pg_terminate_backend(pg_backend_pid())');
    });
    await expect(broken).rejects.toThrow(DatabaseUnavailableError);
    expect((await sql.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('leaves errors that another try would meet again as they are', async () => {
    await expect(sql.query('SELECT nonsense')).rejects.toMatchObject({ code: '42703' });
  });
});

it('a connection of the pool that breaks while it changes hands does not end the process', async () => {
  const database = await createDatabase({ empty: true });
  const dataSource = await new DataSource(dataSourceOptions({ uri: database.uri, pool_size: 1 })).initialize();
  const client = await poolOf(dataSource).connect();

  expect(() => client.emit('error', new Error('terminating connection'))).not.toThrow();
  client.release(true);
  await dataSource.destroy();
  await database.drop();
});

describe('retryWhileUnavailable', () => {
  const unavailable = (): DatabaseUnavailableError => new DatabaseUnavailableError(new Error('gone'));

  it('tries again until it succeeds, and tells the work that it is not the first time', async () => {
    const tries: boolean[] = [];
    const result = await retryWhileUnavailable(10_000, (again) => {
      tries.push(again);
      return tries.length < 3 ? Promise.reject(unavailable()) : Promise.resolve('done');
    });
    expect(result).toBe('done');
    expect(tries).toEqual([false, true, true]);
  });

  it('gives up after its timeout', async () => {
    await expect(retryWhileUnavailable(0, () => Promise.reject(unavailable()))).rejects.toThrow(
      DatabaseUnavailableError,
    );
  });

  it('does not try again what fails for another reason', async () => {
    let tries = 0;
    const work = () => Promise.reject(new Error(String((tries += 1))));
    await expect(retryWhileUnavailable(10_000, work)).rejects.toThrow('1');
    expect(tries).toBe(1);
  });
});
