import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  copyStatusSql,
  idleStatusSql,
  type LastRunStatus,
  type SettledState,
  statusAfterRunSql,
  threadColumns,
  threadStatus,
} from '../../src/threads/thread-status.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const finished: SettledState = { values: {}, tasks: [] };
const atBreakpoint: SettledState = { values: {}, tasks: [{ id: 'a', interrupts: [] }] };
const interrupted: SettledState = { values: {}, tasks: [{ id: 'a', interrupts: [{ id: 'i', value: 'why?' }] }] };

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ empty: true });
});
afterAll(() => database.drop());

interface Row {
  status?: string;
  error?: unknown;
  interrupts: string;
}

/** Evaluates an expression on the row `thread`. */
async function evaluate(sql: string, { status = 'busy', error, interrupts }: Row): Promise<string> {
  const { rows } = await database.pool.query<{ value: string }>(
    `SELECT ${sql} AS value FROM (SELECT $1::text AS status, $2::jsonb AS error, $3::json AS interrupts) thread`,
    [status, error === undefined ? null : JSON.stringify(error), interrupts],
  );
  return rows[0].value;
}

describe('a thread whose queued run is gone', () => {
  it.each<[LastRunStatus | undefined, SettledState]>([
    [undefined, finished],
    [undefined, interrupted],
    ['success', finished],
    ['success', atBreakpoint],
    ['success', interrupted],
    ['drained', atBreakpoint],
    ['error', finished],
    ['error', interrupted],
    ['timeout', atBreakpoint],
  ])('gets in SQL the status that it had after %s with the state %j', async (last, state) => {
    const status = threadStatus(last, state);
    const error = status === 'error' ? { error: 'E', message: 'failed' } : undefined;
    const row = { error, interrupts: threadColumns(status, state).interrupts };

    expect(await evaluate(idleStatusSql('thread'), row)).toBe(status);
    expect(await evaluate(copyStatusSql('thread'), row)).toBe(status);
    expect(await evaluate(statusAfterRunSql('thread', { isLast: 'true', left: 'NULL' }), row)).toBe(status);
  });
});

const row: Row = { error: undefined, interrupts: '{}' };

it('a thread is busy while another run is queued, and otherwise has the status that its run leaves', async () => {
  expect(await evaluate(statusAfterRunSql('thread', { isLast: 'false', left: `'error'` }), row)).toBe('busy');
  expect(await evaluate(statusAfterRunSql('thread', { isLast: 'true', left: `'error'` }), row)).toBe('error');
});

it('the copy of a thread without an active run has its status', async () => {
  expect(await evaluate(copyStatusSql('thread'), { ...row, status: 'interrupted' })).toBe('interrupted');
});
