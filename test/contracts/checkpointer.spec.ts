import { describe, expect } from '@jest/globals';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { deltaChannelHistoryTests, validate } from '@langchain/langgraph-checkpoint-validation';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import { RunCheckpointer } from '../../src/execution/checkpoints/run-checkpointer.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';

// LangGraph's suite for checkpointers is meant for any runner that has `describe`, `it` and `expect` as globals. One of
// its tests collects failures, which jest cannot: there the first one ends the test.
Object.assign(expect, { soft: expect });

const SAVERS: [name: string, create: (database: TestDatabase) => BaseCheckpointSaver | Promise<BaseCheckpointSaver>][] =
  [
    ['PostgresCheckpointer', ({ pool }) => new PostgresCheckpointer(pool)],
    [
      'RunCheckpointer',
      async ({ pool }) => new RunCheckpointer(pool, { ...(await insertRunningRun(pool)), metadata: {} }),
    ],
  ];

describe.each(SAVERS)('The official suite for %s', (checkpointerName, create) => {
  let database: TestDatabase;
  const initializer = {
    checkpointerName,
    beforeAll: async () => {
      database = await createDatabase();
    },
    beforeAllTimeout: 30_000,
    afterAll: () => database.drop(),
    // No rows of an earlier checkpointer may remain.
    createCheckpointer: async () => {
      await database.pool.query('TRUNCATE checkpoints, checkpoint_blobs, checkpoint_writes');
      return create(database);
    },
  };
  validate(initializer);
  deltaChannelHistoryTests(initializer);
});
