import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, type Gate, newGate, newThread, SDKS, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const KEYS = { alice: 'alice-key-0123456789', bob: 'bob-key-0123456789ab', carol: 'carol-key-0123456789' };
const NESTGRAPH_API_KEYS = Object.entries(KEYS).map((pair) => pair.join(':')).join(','); // prettier-ignore
const SLOTS = 10;
const STEPS = { path: ['one', 'two', 'three'] };

const fair = serverForFile({ env: { NESTGRAPH_API_KEYS } });
const unfair = serverForFile({ env: { NESTGRAPH_API_KEYS, NESTGRAPH_CALLER_SLOT_SHARE: '0' } });
const open = serverForFile();

/** Runs that last until the gate is opened; more than there are slots. */
async function occupy(client: Client, gate: Gate, count = SLOTS + 2): Promise<string[]> {
  const input = { gate: gate.path, label: 'a' };
  const runs = Array.from({ length: count }, async () => (await client.runs.create(await newThread(client), 'waiting', { input })).run_id); // prettier-ignore
  return Promise.all(runs);
}

const counts = async ({ database }: Pick<typeof fair, 'database'>, run_ids: string[]) => {
  const { rows } = await database.pool.query<{ status: string; count: number }>(
    'SELECT status, count(*)::integer FROM runs WHERE run_id = ANY($1) GROUP BY status',
    [run_ids],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
};

const untilRunning = (server: Pick<typeof fair, 'database'>, run_ids: string[], running: number) =>
  askUntil(
    () => counts(server, run_ids),
    (found) => found.running === running,
  );

describe.each(SDKS)('ten long runs of one user, with SDK %s', (_, Client) => {
  let alice: Client;
  let bob: Client;
  let carol: Client;
  beforeAll(() => {
    [alice, bob, carol] = Object.values(KEYS).map((key) => connect(Client, fair.url, { 'x-api-key': key }));
  });

  it('leave slots to the runs of other users, and queued ones start when slots become free', async () => {
    const gate = newGate();
    const run_ids = await occupy(alice, gate);
    await untilRunning(fair, run_ids, SLOTS - 2);
    const thread_id = await newThread(bob);
    expect(await bob.runs.wait(null, 'steps', { input: {} })).toMatchObject(STEPS);
    expect(await bob.runs.wait(thread_id, 'steps', { input: {} })).toMatchObject(STEPS);
    const [{ run_id }] = await bob.runs.createBatch([{ assistantId: 'steps', thread_id, input: {} } as never]);
    expect(await bob.runs.join(thread_id, run_id)).toMatchObject({ path: [...STEPS.path, ...STEPS.path] });
    expect(await counts(fair, run_ids)).toEqual({ running: SLOTS - 2, pending: 4 });
    gate.open();
    await askUntil(
      () => counts(fair, run_ids),
      ({ success }) => success === run_ids.length,
    );
  });

  it('and ten of a second user leave slots to a third user', async () => {
    const gate = newGate();
    const ofAlice = await occupy(alice, gate);
    await untilRunning(fair, ofAlice, SLOTS - 2);
    const ofBob = await occupy(bob, gate);
    await untilRunning(fair, ofBob, 1);
    expect(await carol.runs.wait(null, 'steps', { input: {} })).toMatchObject(STEPS);
    gate.open();
    const all = [...ofAlice, ...ofBob];
    await askUntil(
      () => counts(fair, all),
      ({ success }) => success === all.length,
    );
  });
});

describe('one user may take all slots', () => {
  const [, Client] = SDKS[0];

  it.each([
    ['when the share is 0', () => unfair, { 'x-api-key': KEYS.alice }],
    ['without authentication', () => open, {}],
  ])('%s', async (_, place, headers) => {
    const gate = newGate();
    const run_ids = await occupy(connect(Client, place().url, headers), gate);
    await untilRunning(place(), run_ids, SLOTS);
    gate.open();
    await askUntil(
      () => counts(place(), run_ids),
      ({ success }) => success === run_ids.length,
    );
  });
});
