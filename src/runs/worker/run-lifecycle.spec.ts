import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NestgraphConfig } from '../../config/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import type { GraphRegistry } from '../../execution/index.js';
import type { LangSmith } from '../../observability/index.js';
import type { EventStream } from '../../streams/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import type { RunEnd, RunEndings } from '../queue/run-endings.js';
import type { RunResults } from '../results/run-results.js';
import { ActiveRun, type StopReason } from './active-run.js';
import { RunFinisher } from './run-finisher.js';
import { RunLifecycle } from './run-lifecycle.js';
import { RunPreparation } from './run-preparation.js';
import { RunSettlement } from './run-settlement.js';
import { UnexecutedRuns } from './unexecuted-runs.js';

/** A stateless run, executed by the process that created it, with all fields that the lifecycle reads. */
const RUN = {
  run_id: 'r',
  thread_id: 't',
  lease_token: 'l',
  attempt: 1,
  createdByThisProcess: true,
  delivery: 'wait',
  metadata: {},
  caller: null,
  kwargs: {
    temporary: true,
    resumable: false,
    subgraphs: false,
    stream_mode: ['values'],
    input: {},
    feedback_keys: ['score'],
    config: { configurable: { graph_id: 'g' } },
  },
} as unknown as ClaimedRun;

/** What the lifecycle did with the run. */
interface Seen {
  ends: RunEnd[];
  events: string[];
  results: unknown[];
}

/** Executes the run. `fail` is called for the feedback links, after the graph has ended. */
async function execute(fail: () => never, stopReason?: StopReason, run = RUN): Promise<Seen> {
  const seen: Seen = { ends: [], events: [], results: [] };
  const stream = {
    append: (event: string, json: string) => seen.events.push(`${event} ${json}`),
    drained: () => Promise.resolve(),
    finish: (status: string) => seen.events.push(`end ${status}`),
    disconnect: () => seen.events.push('closed early'),
  };
  const parts = async function* () {
    await Promise.resolve();
    yield ['values', { a: 1 }];
  };
  const active = new ActiveRun(run, {});
  const unused = {} as never;
  const config = {
    queue: { max_retries: 2, lease_ms: 0, stateless_retention_ms: 0, timeout_ms: 1 },
    streams: { resumable_ms: 0 },
  } as NestgraphConfig;
  const graphs = { get: () => Promise.resolve({ stream: () => Promise.resolve(parts()) }) } as unknown as GraphRegistry;
  const endings = {
    finishTemporary: (_run: ClaimedRun, end: RunEnd) => {
      seen.ends.push(end);
      return Promise.resolve({ held: true, more: false });
    },
  } as unknown as RunEndings;
  const events = { open: () => stream, isFollowed: () => false } as unknown as EventStream;
  const results = { publish: (_id: string, result: unknown) => seen.results.push(result) } as unknown as RunResults;
  const langsmith = {
    tracer: () => undefined,
    feedbackUrls: () => {
      if (stopReason) {
        active.stop(stopReason);
      }
      return fail();
    },
  } as unknown as LangSmith;
  const finisher = new RunFinisher(endings, events, results, config);
  const lifecycle = new RunLifecycle(
    new UnexecutedRuns(finisher, unused, unused, config),
    new RunPreparation(graphs, unused, langsmith, unused, config),
    new RunSettlement(finisher, unused, endings, results, langsmith, config),
    finisher,
    events,
    config,
  );
  expect(await lifecycle.execute(active)).toBe(false);
  return seen;
}

describe('A run that is out of retries', () => {
  it.each([
    [3, 'success'],
    [4, 'error'],
  ])('is not executed again: attempt %i of three ends with %s', async (attempt, status) => {
    const { ends } = await execute(() => undefined as never, undefined, { ...RUN, attempt });
    expect(ends).toMatchObject([{ status, ...(status === 'error' && { error: { error: 'RunLost' } }) }]);
  });
});

describe('A run that fails after its graph has ended', () => {
  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  });

  it('ends with that error, for its readers and its waiters', async () => {
    const { ends, events, results } = await execute(() => {
      throw new RangeError('too far');
    });
    const error = { error: 'RangeError', message: 'too far' };
    expect(ends).toMatchObject([{ status: 'error', error }]);
    expect(events.slice(-2)).toEqual([`error ${JSON.stringify(error)}`, 'end error']);
    expect(results).toEqual([JSON.stringify({ __error__: error })]);
  });

  it.each<[string, Error, StopReason | undefined]>([
    ['the database is unavailable', new DatabaseUnavailableError(new Error('gone')), undefined],
    ['another worker is to resume it', new Error('no matter'), 'shutdown'],
  ])('is left to another worker when %s', async (_name, error, stopReason) => {
    const { ends, events, results } = await execute(() => {
      throw error;
    }, stopReason);
    expect([ends, results]).toEqual([[], []]);
    expect(events.at(-1)).toBe('closed early');
  });
});
