import { describe, expect, it } from '@jest/globals';
import { type Execution, type History, type LedgerLine, type Part, violations } from './history.js';

const THREAD = 't';
const SAYS = 2;
const KILLED_AT = 100_000;
/** Long before the kill, so that all events have reached the log. */
const EARLY = 90_000;

const executed = (run_id: string, { attempt, pid }: Execution, step: number, at = EARLY): LedgerLine[] =>
  (
    [
      ['began', 0],
      ['said', 1],
      ['said', 2],
      ['finished', 0],
    ] as const
  ).map(([what, n]) => ({ run_id, thread_id: THREAD, attempt, pid, step, what, n, at }));

const name = (run_id: string, { attempt, pid }: Execution, step: number): string =>
  `${run_id} ${step} ${attempt} ${pid}`;

const metadata = (run_id: string, { attempt }: Execution): Part => ({ event: 'metadata', data: { run_id, attempt } });

const received = (run_id: string, execution: Execution, step: number): Part[] => [
  { event: 'custom', data: { run_id, ...execution, step, n: 1 } },
  { event: 'custom', data: { run_id, ...execution, step, n: 2 } },
  { event: 'updates', data: { work: { step, done: [name(run_id, execution, step)] } } },
];

const numbered = (parts: Part[], from: number): Part[] =>
  parts.map((part, index) => ({ id: String(from + index), ...part }));

const FIRST = { attempt: 1, pid: 10 };
const SECOND = { attempt: 2, pid: 11 };

/** Run a, then run b. The process of b is killed in its second step, which another process executes again. */
function history(): History {
  const killedInStep = executed('b', FIRST, 2, KILLED_AT - 1).slice(0, 2);
  return {
    acknowledged: [
      { run_id: 'a', thread_id: THREAD, asked_at: 1, answered_at: 2 },
      { run_id: 'b', thread_id: THREAD, asked_at: 3, answered_at: 4 },
    ],
    readings: [
      {
        run_id: 'a',
        thread_id: THREAD,
        ended: true,
        parts: numbered([metadata('a', FIRST), ...received('a', FIRST, 1)], 1),
      },
      {
        run_id: 'b',
        thread_id: THREAD,
        ended: true,
        parts: numbered(
          [
            metadata('b', FIRST),
            ...received('b', FIRST, 1),
            ...received('b', FIRST, 2).slice(0, 1),
            metadata('b', SECOND),
            ...received('b', SECOND, 2),
          ],
          5,
        ),
      },
    ],
    answers: [{ run_id: 'a', done: [name('a', FIRST, 1)] }],
    ledger: [
      ...executed('a', FIRST, 1),
      ...executed('b', FIRST, 1),
      ...killedInStep,
      ...executed('b', SECOND, 2, KILLED_AT + 5_000),
    ],
    runs: [
      { run_id: 'a', thread_id: THREAD, status: 'success', steps: 1, says: SAYS },
      { run_id: 'b', thread_id: THREAD, status: 'success', steps: 2, says: SAYS },
    ],
    threads: [
      { thread_id: THREAD, status: 'idle', done: [name('a', FIRST, 1), name('b', FIRST, 1), name('b', SECOND, 2)] },
    ],
    killed: new Map([[FIRST.pid, KILLED_AT]]),
    stopped: new Map(),
    logLost: false,
  };
}

/** The rules that a modified history violates. */
function broken(change: (history: History) => void): string[] {
  const changed = history();
  change(changed);
  return [...new Set(violations(changed).map(({ rule }) => rule))];
}

/** Renumbers the events of the reading of b. */
function restream(history: History, change: (parts: Part[]) => Part[]): void {
  const reading = history.readings[1];
  reading.parts = numbered(change(reading.parts.map(({ event, data }) => ({ event, data }))), 5);
}

describe('a history', () => {
  it('in which another process took over a run is consistent', () => {
    expect(violations(history())).toEqual([]);
  });

  it('in which a killed process had not logged the last events of a committed step is consistent', () => {
    expect(
      broken((changed) => {
        changed.ledger = changed.ledger
          .filter((line) => line.run_id === 'a' || line.step === 1 || line.pid === SECOND.pid)
          .map((line) => (line.run_id === 'b' && line.pid === FIRST.pid ? { ...line, at: KILLED_AT - 1 } : line));
        restream(changed, (parts) => [...parts.slice(0, 2), ...parts.slice(5)]);
      }),
    ).toEqual([]);
  });

  it('in which a run was released and executed by another worker with the same attempt is consistent', () => {
    expect(
      broken((changed) => {
        const text = JSON.stringify({ ...changed, killed: [], stopped: [] });
        const again = text.replaceAll('"attempt":2,"pid":11', '"attempt":1,"pid":11').replaceAll(' 2 2 11', ' 2 1 11');
        Object.assign(changed, JSON.parse(again), { killed: new Map(), stopped: new Map([[FIRST.pid, KILLED_AT]]) });
      }),
    ).toEqual([]);
  });

  it('in which readers receive an error because the log was lost with the database is consistent', () => {
    const gap = { event: 'error', data: { error: 'StreamGap' } };
    const tellOfGap = (changed: History): void => restream(changed, (parts) => [...parts.slice(0, 3), gap]);

    expect(broken((changed) => tellOfGap(Object.assign(changed, { logLost: true })))).toEqual([]);
    expect(broken(tellOfGap)).toEqual(['stream', 'missing']);
  });

  it.each<[string, rule: string, (history: History) => void]>([
    [
      'an acknowledged run is not there',
      'lost',
      ({ acknowledged }) => acknowledged.push({ run_id: 'c', thread_id: THREAD, asked_at: 5, answered_at: 6 }),
    ],
    ['a run is left running', 'ended', ({ runs }) => (runs[1].status = 'running')],
    ['a run failed though its graph cannot', 'ended', ({ runs }) => (runs[1].status = 'error')],
    ['a thread is left busy', 'idle', ({ threads }) => (threads[0].status = 'busy')],
    ['runs are not in the order in which they were created', 'created', ({ runs }) => runs.reverse()],
    ['two runs of a thread overlap', 'serial', ({ ledger }) => ledger.splice(5, 0, ledger.shift()!)],
    ['a later run is executed first', 'serial', ({ ledger }) => ledger.push(...ledger.splice(0, 4))],
    ['a step is not in the state', 'state', ({ threads }) => threads[0].done.splice(1, 1)],
    ['a step is in the state twice', 'state', ({ threads }) => threads[0].done.push(name('b', SECOND, 2))],
    ['the state has runs in another order', 'state', ({ threads }) => threads[0].done.reverse()],
    [
      'a step is executed again after its commit',
      'repeated',
      ({ ledger }) => ledger.splice(10, 0, ...executed('b', SECOND, 1)),
    ],
    [
      'a process that lost its run committed a step after all',
      'repeated',
      ({ threads }) => (threads[0].done[2] = name('b', FIRST, 2)),
    ],
    [
      'an execution does the same step twice',
      'repeated',
      ({ ledger }) => ledger.push(...executed('b', SECOND, 2, KILLED_AT + 5_000)),
    ],
    [
      'a run is executed twice at the same time',
      'uncalled',
      (changed) => (changed.killed = new Map([[SECOND.pid, KILLED_AT]])),
    ],
    ['an answer lacks a step', 'answer', ({ answers }) => answers[0].done.pop()],
    ['a stream does not end', 'stream', ({ readings }) => (readings[1].ended = false)],
    ['a stream begins in the middle', 'stream', ({ readings }) => readings[1].parts.shift()],
    ['an event has no id', 'stream', ({ readings }) => delete readings[1].parts[3].id],
    ['ids do not grow', 'stream', ({ readings }) => (readings[1].parts[7].id = '6')],
    [
      'a stream tells of a gap',
      'stream',
      (changed) => restream(changed, (parts) => [...parts, { event: 'error', data: { error: 'StreamGap' } }]),
    ],
    ['an id is used again for another event', 'identity', ({ readings }) => (readings[1].parts[0].id = '4')],
    [
      'two clients see something else under the same id',
      'identity',
      ({ readings }) =>
        readings.push({ ...readings[0], parts: numbered([metadata('a', SECOND), ...received('a', FIRST, 1)], 1) }),
    ],
    [
      'an event is lost between two others',
      'hole',
      (changed) => restream(changed, (parts) => parts.filter((_, index) => index !== 2)),
    ],
    [
      'an event comes twice',
      'hole',
      (changed) => restream(changed, (parts) => parts.flatMap((part, index) => (index === 2 ? [part, part] : [part]))),
    ],
    [
      'events of two executions are mixed',
      'hole',
      (changed) =>
        restream(changed, (parts) => [...parts.slice(0, 4), ...parts.slice(5, 7), parts[4], ...parts.slice(7)]),
    ],
    ['the last event is lost', 'missing', (changed) => restream(changed, (parts) => parts.slice(0, -1))],
    [
      'a committed step of a killed process is not in the stream though there was time to log it',
      'missing',
      (changed) => restream(changed, (parts) => [parts[0], ...parts.slice(5)]),
    ],
    [
      'a second reader gets less',
      'missing',
      ({ readings }) => readings.push({ ...readings[0], parts: readings[0].parts.slice(0, 2) }),
    ],
  ])('is inconsistent when %s', (_what, rule, change) => {
    expect(broken(change)).toContain(rule);
  });
});
