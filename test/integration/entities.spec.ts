import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getMetadataArgsStorage } from 'typeorm';
import { AssistantEntity, AssistantVersionEntity } from '../../src/assistants/assistant.entity.js';
import { CronEntity } from '../../src/crons/cron.entity.js';
import { RunEntity } from '../../src/runs/run.entity.js';
import { StoreItemEntity } from '../../src/store/store-item.entity.js';
import { ThreadEntity } from '../../src/threads/thread.entity.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

/** A column, as TypeORM and as PostgreSQL name its type. */
interface ColumnInfo {
  name: string;
  type: string;
  nullable: boolean;
}

/** Names that information_schema uses instead of the short ones. */
const TYPES: Record<string, string> = { 'timestamp with time zone': 'timestamptz' };

/** Columns that only hand-written SQL uses. */
const SQL_ONLY: Record<string, readonly string[]> = {
  // The queue orders and counts by them.
  runs: ['caller_key', 'is_delayed', 'releases', 'turn_at', 'webhook'],
  // Generated for searches.
  threads: ['searchable_values'],
};

describe('the entity of', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const columnsOf = async (table: string): Promise<ColumnInfo[]> => {
    const { rows } = await database.pool.query<ColumnInfo>(
      `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable
       FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
      [table],
    );
    return rows.map((row) => ({ ...row, type: TYPES[row.type] ?? row.type }));
  };

  it.each([
    ['assistants', AssistantEntity],
    ['assistant_versions', AssistantVersionEntity],
    ['crons', CronEntity],
    ['runs', RunEntity],
    ['store_items', StoreItemEntity],
    ['threads', ThreadEntity],
  ])('%s has the columns of the migrated table', async (table, entity) => {
    const storage = getMetadataArgsStorage();
    expect(storage.tables.find(({ target }) => target === entity)?.name).toBe(table);
    const declared = storage.columns
      .filter(({ target }) => entity === target || entity.prototype instanceof (target as typeof Object))
      .map(({ propertyName, options }): ColumnInfo => {
        const { type, nullable = false } = options;
        return { name: propertyName, type: String(type), nullable };
      });
    const columns = await columnsOf(table);
    const sqlOnly = SQL_ONLY[table] ?? [];

    expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining([...sqlOnly]));
    expect(sorted(declared)).toEqual(sorted(columns.filter(({ name }) => !sqlOnly.includes(name))));
  });
});

const sorted = (columns: ColumnInfo[]): ColumnInfo[] => columns.toSorted((a, b) => a.name.localeCompare(b.name));
