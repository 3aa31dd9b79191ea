import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AssistantNotFoundError } from '../../assistants/index.js';
import { type AuthContext, AuthRefusalError, ForbiddenError } from '../../auth/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import { GraphNotFoundError } from '../../execution/index.js';
import { Metrics } from '../../observability/index.js';
import type { BatchItem, CreateRun, RunCreationService, RunPermissions } from '../../runs/index.js';
import { ThreadBusyError } from '../../threads/index.js';
import { CronScheduler } from './cron-scheduler.js';
import type { DueCron, DueCrons } from './due-crons.js';

const DUE = new Date('2026-01-01T12:00:00Z');
const NEXT = new Date('2026-01-01T12:01:00Z');

const dueCron = (cron_id: string): DueCron => ({
  cron_id,
  thread_id: null,
  schedule: '* * * * *',
  timezone: null,
  end_time: null,
  on_run_completed: 'keep',
  payload: { assistant_id: cron_id },
  metadata: {},
  caller: null,
  next_run_date: DUE,
  stamp: '1',
  thread_metadata: null,
  is_busy: false,
  now: DUE,
});

/** A table of crons that are all due, without a database. */
class FakeCrons {
  readonly happened: string[] = [];
  private moves: string[] = [];
  constructor(private left: DueCron[]) {}

  readonly msToNext = (): Promise<number | undefined> => Promise.resolve(this.left.length > 0 ? -1 : undefined);
  readonly find = (limit: number, except: string[]): Promise<DueCron[]> =>
    Promise.resolve(this.left.filter(({ cron_id }) => !except.includes(cron_id)).slice(0, limit));
  readonly findOne = (id: string): Promise<DueCron[]> =>
    Promise.resolve(this.left.filter(({ cron_id }) => cron_id === id));
  readonly claim = (_db: unknown, crons: DueCron[]): Promise<DueCron[]> => Promise.resolve(crons);
  readonly move = (_db: unknown, moved: { cron: DueCron; next: Date | null }[]): Promise<void> => {
    this.moves = moved.map(({ cron, next }) => `${cron.cron_id} fired, next ${next?.toISOString()}`);
    return Promise.resolve();
  };
  readonly pass = ({ cron_id }: DueCron, next: Date | null): Promise<boolean> =>
    this.note(`${cron_id} passed, next ${next?.toISOString()}`);
  readonly disable = ({ cron_id }: DueCron, reason: string): Promise<boolean> =>
    this.note(`${cron_id} disabled: ${reason}`);

  commit(): void {
    this.moves.forEach((what) => void this.note(what));
    this.moves = [];
  }

  private note(what: string): Promise<boolean> {
    this.happened.push(what);
    this.left = this.left.filter(({ cron_id }) => !what.startsWith(`${cron_id} `));
    return Promise.resolve(true);
  }
}

/** Creates runs but for those that fail: before anything is written, or in the midst of it. */
class FakeCreation {
  refusals = new Map<string, Error>();
  failures = new Map<string, Error>();
  readonly decidedFor: unknown[] = [];
  constructor(private readonly crons: FakeCrons) {}

  readonly decide = (auth: AuthContext, _thread: unknown, body: BatchItem): Promise<{ body: BatchItem }> => {
    const error = this.refusals.get(body.assistant_id);
    this.decidedFor.push(auth.user?.identity);
    return error ? Promise.reject(error) : Promise.resolve({ body });
  };
  readonly createWith = async <D, T>(
    decide: () => Promise<D>,
    work: (db: unknown, decided: D, create: CreateRun) => Promise<T>,
  ): Promise<T> => {
    const decided = await decide();
    const create = ({ body: { assistant_id } }: { body: BatchItem }): Promise<unknown> => {
      const error = this.failures.get(assistant_id);
      return error ? Promise.reject(error) : Promise.resolve({ run_id: `run of ${assistant_id}` });
    };
    const result = await work({}, decided, create as CreateRun);
    this.crons.commit();
    return result;
  };
  readonly endPreviousRun = (): Promise<void> => Promise.resolve();
}

Logger.overrideLogger(false);

describe('a look at the crons', () => {
  let crons: FakeCrons;
  let creation: FakeCreation;

  beforeEach(() => {
    crons = new FakeCrons(['a', 'b', 'c'].map(dueCron));
    creation = new FakeCreation(crons);
  });

  /** Looks until nothing is due, at most so many times; then what has happened. */
  const look = async (times = 5): Promise<string[]> => {
    const scheduler = new CronScheduler(
      crons as unknown as DueCrons,
      creation as unknown as RunCreationService,
      creation as unknown as RunPermissions,
      new Metrics(),
    );
    for (let time = 0; time < times && (await crons.msToNext()) !== undefined; time += 1) {
      await scheduler.runOnce();
      // Those that are fired alone.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await scheduler.onModuleDestroy();
    return crons.happened.sort();
  };
  const fired = (id: string): string => `${id} fired, next ${NEXT.toISOString()}`;
  const passed = (id: string): string => `${id} passed, next ${NEXT.toISOString()}`;

  it('fires all that are due', async () => {
    expect(await look(1)).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it.each([
    [
      'whose assistant is gone, which is disabled',
      new AssistantNotFoundError('x'),
      `b disabled: ${new AssistantNotFoundError('x').message}`,
    ],
    ['whose graph other processes may have, which goes on', new GraphNotFoundError('g', []), passed('b')],
    ['that something is wrong with, which goes on', new TypeError('oops'), passed('b')],
  ])('fires the others in one go beside one %s', async (_, error, expected) => {
    creation.refusals.set('b', error);
    expect(await look(1)).toEqual([fired('a'), expected, fired('c')]);
  });

  it('asks on behalf of the caller of each, and says whose permission is missing', async () => {
    const user = { identity: 'alice', display_name: 'alice', is_authenticated: true, permissions: [] };
    crons = new FakeCrons([{ ...dueCron('a'), caller: user }, dueCron('b')]);
    creation = new FakeCreation(crons);
    creation.refusals.set('a', new ForbiddenError());
    const reason = 'alice may not create its runs any more: Not authorized';
    expect(await look(1)).toEqual([`a disabled: ${reason}`, fired('b')]);
    expect(creation.decidedFor).toEqual(['alice', undefined]);
  });

  it.each([503, 429])('lets a time pass when the auth module answers %d', async (status) => {
    creation.refusals.set('b', new AuthRefusalError(status, 'later', {}, undefined));
    expect(await look(1)).toEqual([fired('a'), passed('b'), fired('c')]);
  });

  it.each([
    ['rejected by its thread', new ThreadBusyError('t'), passed('b')],
    ['refused by the database', new Error('violates check constraint'), passed('b')],
    ['refused for ever', new AssistantNotFoundError('x'), `b disabled: ${new AssistantNotFoundError('x').message}`],
  ])('goes on without one that spoils the transaction: %s', async (_, error, expected) => {
    creation.failures.set('b', error);
    expect(await look()).toEqual([fired('a'), expected, fired('c')]);
  });

  it('leaves everything as it is when the database is away', async () => {
    creation.failures.set('b', new DatabaseUnavailableError(new Error('away')));
    expect(await look()).toEqual([]);
    creation.failures.clear();
    expect(await look()).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it('leaves one as it is whose assistant could not be looked up', async () => {
    creation.refusals.set('b', new DatabaseUnavailableError(new Error('away')));
    expect(await look()).toEqual([fired('a'), fired('c')]);
    creation.refusals.clear();
    expect(await look()).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it('disables one whose schedule cannot be read any more', async () => {
    crons = new FakeCrons([{ ...dueCron('a'), schedule: 'whenever' }, dueCron('b')]);
    creation = new FakeCreation(crons);
    expect(await look(1)).toEqual([expect.stringMatching(/^a disabled: schedule: must be/), fired('b')]);
  });
});
