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

/** An in-memory table whose crons are all due. */
class FakeCrons {
  readonly happened: string[] = [];
  private rescheduled: string[] = [];
  constructor(private left: DueCron[]) {}

  readonly msToNext = (): Promise<number | undefined> => Promise.resolve(this.left.length > 0 ? -1 : undefined);
  readonly find = (limit: number, except: string[]): Promise<DueCron[]> =>
    Promise.resolve(this.left.filter(({ cron_id }) => !except.includes(cron_id)).slice(0, limit));
  readonly findOne = (id: string): Promise<DueCron[]> =>
    Promise.resolve(this.left.filter(({ cron_id }) => cron_id === id));
  readonly claim = (_db: unknown, crons: DueCron[]): Promise<DueCron[]> => Promise.resolve(crons);
  readonly reschedule = (_db: unknown, moved: { cron: DueCron; next: Date | null }[]): Promise<void> => {
    this.rescheduled = moved.map(({ cron, next }) => `${cron.cron_id} fired, next ${next?.toISOString()}`);
    return Promise.resolve();
  };
  readonly skip = ({ cron_id }: DueCron, next: Date | null): Promise<boolean> =>
    this.note(`${cron_id} skipped, next ${next?.toISOString()}`);
  readonly disable = ({ cron_id }: DueCron, reason: string): Promise<boolean> =>
    this.note(`${cron_id} disabled: ${reason}`);

  commit(): void {
    this.rescheduled.forEach((what) => void this.note(what));
    this.rescheduled = [];
  }

  private note(what: string): Promise<boolean> {
    this.happened.push(what);
    this.left = this.left.filter(({ cron_id }) => !what.startsWith(`${cron_id} `));
    return Promise.resolve(true);
  }
}

/** Creates runs, except those that are refused before anything is written, or fail within the transaction. */
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

describe('a poll of the cron scheduler', () => {
  let crons: FakeCrons;
  let creation: FakeCreation;

  beforeEach(() => {
    crons = new FakeCrons(['a', 'b', 'c'].map(dueCron));
    creation = new FakeCreation(crons);
  });

  /** Polls until no cron is due, at most `times` times; returns what happened. */
  const poll = async (times = 5): Promise<string[]> => {
    const scheduler = new CronScheduler(
      crons as unknown as DueCrons,
      creation as unknown as RunCreationService,
      creation as unknown as RunPermissions,
      new Metrics(),
    );
    for (let time = 0; time < times && (await crons.msToNext()) !== undefined; time += 1) {
      await scheduler.runOnce();
      // Lets the crons run that are fired in their own transaction.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await scheduler.onModuleDestroy();
    return crons.happened.sort();
  };
  const fired = (id: string): string => `${id} fired, next ${NEXT.toISOString()}`;
  const skipped = (id: string): string => `${id} skipped, next ${NEXT.toISOString()}`;

  it('fires all due crons', async () => {
    expect(await poll(1)).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it.each([
    [
      'whose assistant was deleted (it is disabled)',
      new AssistantNotFoundError('x'),
      `b disabled: ${new AssistantNotFoundError('x').message}`,
    ],
    ['whose graph this process lacks (it is skipped)', new GraphNotFoundError('g', []), skipped('b')],
    ['that fails with an unexpected error (it is skipped)', new TypeError('oops'), skipped('b')],
  ])('fires the others in one transaction despite a cron %s', async (_, error, expected) => {
    creation.refusals.set('b', error);
    expect(await poll(1)).toEqual([fired('a'), expected, fired('c')]);
  });

  it('authorizes each run as the user of its cron, and names the user whose permission is missing', async () => {
    const user = { identity: 'alice', display_name: 'alice', is_authenticated: true, permissions: [] };
    crons = new FakeCrons([{ ...dueCron('a'), caller: user }, dueCron('b')]);
    creation = new FakeCreation(crons);
    creation.refusals.set('a', new ForbiddenError());
    const reason = 'alice may no longer create its runs: Not authorized';
    expect(await poll(1)).toEqual([`a disabled: ${reason}`, fired('b')]);
    expect(creation.decidedFor).toEqual(['alice', undefined]);
  });

  it.each([503, 429])('skips a due time when the auth module responds with %d', async (status) => {
    creation.refusals.set('b', new AuthRefusalError(status, 'later', {}, undefined));
    expect(await poll(1)).toEqual([fired('a'), skipped('b'), fired('c')]);
  });

  it.each([
    ['the thread is busy', new ThreadBusyError('t'), skipped('b')],
    ['a constraint is violated', new Error('violates check constraint'), skipped('b')],
    [
      'the assistant is missing',
      new AssistantNotFoundError('x'),
      `b disabled: ${new AssistantNotFoundError('x').message}`,
    ],
  ])('continues without the cron that aborts the transaction: %s', async (_, error, expected) => {
    creation.failures.set('b', error);
    expect(await poll()).toEqual([fired('a'), expected, fired('c')]);
  });

  it('changes nothing while the database is unavailable', async () => {
    creation.failures.set('b', new DatabaseUnavailableError(new Error('unavailable')));
    expect(await poll()).toEqual([]);
    creation.failures.clear();
    expect(await poll()).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it('does not change a cron whose assistant could not be read', async () => {
    creation.refusals.set('b', new DatabaseUnavailableError(new Error('unavailable')));
    expect(await poll()).toEqual([fired('a'), fired('c')]);
    creation.refusals.clear();
    expect(await poll()).toEqual([fired('a'), fired('b'), fired('c')]);
  });

  it('disables a cron whose schedule is invalid', async () => {
    crons = new FakeCrons([{ ...dueCron('a'), schedule: 'whenever' }, dueCron('b')]);
    creation = new FakeCreation(crons);
    expect(await poll(1)).toEqual([expect.stringMatching(/^a disabled: schedule: must be/), fired('b')]);
  });
});
