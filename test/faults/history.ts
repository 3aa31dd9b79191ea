/**
 * Compares the responses to clients, the actions of nodes and the final content of the database.
 * Pure: `history.spec.ts` shows with artificial histories that each rule finds its violations.
 */

/** One attempt in one process. A released run is executed with the same attempt by another process. */
export interface Execution {
  attempt: number;
  pid: number;
}

/** A line that the graph `ledger` writes for an action. */
export interface LedgerLine extends Execution {
  run_id: string;
  thread_id: string;
  step: number;
  /** `said` is followed by an event with the same execution, step and n. */
  what: 'began' | 'said' | 'finished';
  n: number;
  at: number;
}

/** The server has confirmed the creation of a run to its client. */
export interface Acknowledgement {
  run_id: string;
  thread_id: string;
  asked_at: number;
  answered_at: number;
}

/** An event as a client received it. */
export interface Part {
  id?: string;
  event: string;
  data: unknown;
}

/** All events that one client received of the stream of one run, across all its connections. */
export interface Reading {
  run_id: string;
  thread_id: string;
  parts: Part[];
  /** The stream ended regularly from the client's view. */
  ended: boolean;
}

/** The response of `wait` or `join`: the state, in which each step contains its execution. */
export interface Answer {
  run_id: string;
  done: string[];
}

export interface RunRow {
  run_id: string;
  thread_id: string;
  status: string;
  /** The requested work. */
  steps: number;
  says: number;
}

export interface ThreadRow {
  thread_id: string;
  status: string;
  /** `run_id step attempt pid` of each committed step, in order. */
  done: string[];
}

export interface History {
  acknowledged: Acknowledgement[];
  readings: Reading[];
  answers: Answer[];
  /** In the order of writing. */
  ledger: LedgerLine[];
  /** In order of creation. */
  runs: RunRow[];
  threads: ThreadRow[];
  /** Times at which processes were killed, by process id. */
  killed: ReadonlyMap<number, number>;
  /** Times at which processes were frozen, stopped, or lost their database, by process id. */
  stopped: ReadonlyMap<number, number>;
  /** The database has crashed and lost its event log: a reader may receive an error as its last event. */
  logLost: boolean;
}

export interface Violation {
  rule: keyof typeof RULES;
  what: string;
}

/** Maximum number of reported violations per rule; further ones rarely add information. */
const MAX_REPORTED = 3;

/** Events within this time before a kill may be missing: they had not reached the log yet. */
const UNLOGGED_MS = 1_000;

/** A committed step. */
export interface Step extends Execution {
  run_id: string;
  step: number;
}

const RULES = {
  /** No acknowledged run is lost. */
  lost: ({ acknowledged, runs }: History) => {
    const there = new Set(runs.map(({ run_id }) => run_id));
    return acknowledged
      .filter(({ run_id }) => !there.has(run_id))
      .map(({ run_id }) => `run ${run_id} was acknowledged and is not there`);
  },

  /** Every run has ended successfully: the graph cannot fail. */
  ended: ({ runs }: History) =>
    runs.filter(({ status }) => status !== 'success').map(({ run_id, status }) => `run ${run_id} is left as ${status}`),

  /** No thread is left busy. */
  idle: ({ threads }: History) =>
    threads
      .filter(({ status }) => status !== 'idle')
      .map(({ thread_id, status }) => `thread ${thread_id} is left as ${status}`),

  /** Runs of a thread are in the order in which clients created them. */
  created: ({ acknowledged, runs }: History) => {
    const place = new Map(runs.map(({ run_id }, index) => [run_id, index]));
    return perThread(acknowledged).flatMap((ofThread) =>
      pairs(ofThread)
        .filter(([a, b]) => a.answered_at < b.asked_at && place.get(a.run_id)! > place.get(b.run_id)!)
        .map(([a, b]) => `run ${b.run_id} was requested after ${a.run_id} existed, and comes before it`),
    );
  },

  /** Runs of a thread are executed one after the other, in order of creation. */
  serial: ({ ledger, runs }: History) =>
    perThread(runs).flatMap((ofThread) => {
      const [{ thread_id }] = ofThread;
      const wanted = ofThread.map(({ run_id }) => run_id);
      const executed = withoutRepeats(
        ledger.filter((line) => line.thread_id === thread_id).map(({ run_id }) => run_id),
      );
      return sameList(wanted, executed)
        ? []
        : [`thread ${thread_id}: created ${list(wanted)}, executed ${list(executed)}`];
    }),

  /** The state contains every step of every run once, with runs in order of creation. */
  state: ({ runs, threads }: History) =>
    threads.flatMap(({ thread_id, done }) => {
      const wanted = runs
        .filter((run) => run.thread_id === thread_id)
        .flatMap(({ run_id, steps }) => numbers(1, steps).map((step) => `${run_id} ${step}`));
      const committed = done.map(toStep).map(({ run_id, step }) => `${run_id} ${step}`);
      return sameList(wanted, committed)
        ? []
        : [`thread ${thread_id}: asked for ${list(wanted)}, its state has ${list(committed)}`];
    }),

  /** No step is executed again after its checkpoint was committed, and none twice by one execution. */
  repeated: (history: History) => {
    const begun = groupBy(
      history.ledger.filter(({ what }) => what === 'began'),
      ({ run_id, step }) => `${run_id} ${step}`,
    );
    return history.threads
      .flatMap(({ done }) => done.map(toStep))
      .flatMap((committed) => {
        const { run_id, step } = committed;
        const executions = (begun.get(`${run_id} ${step}`) ?? []).map(nameOf);
        const isLast = executions.at(-1) === nameOf(committed);
        return isLast && new Set(executions).size === executions.length
          ? []
          : [`step ${step} of run ${run_id} was committed by ${nameOf(committed)} and executed by ${list(executions)}`];
      });
  },

  /** A run is executed again only if its process was killed or stopped. */
  uncalled: ({ ledger, killed, stopped }: History) =>
    [...groupBy(ledger, ({ run_id }) => run_id)].flatMap(([run_id, lines]) =>
      executionsOf(lines)
        .slice(0, -1)
        .filter((name) => !killed.has(pidOf(name)) && !stopped.has(pidOf(name)))
        .map((name) => `run ${run_id} was taken from ${name}, which was alive`),
    ),

  /** A response contains all steps of its run. */
  answer: ({ answers, threads }: History) => {
    const committed = groupBy(
      threads.flatMap(({ done }) => done),
      (step) => toStep(step).run_id,
    );
    return answers
      .filter(({ run_id, done }) => {
        const answered = done.filter((step) => toStep(step).run_id === run_id);
        return !sameList(answered, committed.get(run_id) ?? []);
      })
      .map(({ run_id, done }) => `run ${run_id} was answered with ${list(done)}`);
  },

  /** Streams start with `metadata`, end regularly and have increasing ids across all connections. */
  stream: ({ readings, logLost }: History) =>
    readings.flatMap(({ run_id, parts, ended }) => {
      const ids = parts.map(({ id }) => id);
      const firstBad = ids.findIndex(
        (id, at) => !/^\d+$/.test(id ?? '') || (at > 0 && !(Number(id) > Number(ids[at - 1]))),
      );
      const told = logLost && isToldOfGap(parts);
      const strange = parts.find(
        (part, at) => !['metadata', 'custom', 'updates'].includes(part.event) && !(told && at === parts.length - 1),
      );
      const begins = parts[0]?.event === 'metadata' || (told && parts.length === 1);
      return [
        ...(ended ? [] : [`a stream of run ${run_id} was aborted`]),
        ...(begins ? [] : [`a stream of run ${run_id} begins with ${parts[0]?.event}`]),
        ...(firstBad < 0
          ? []
          : [`a stream of run ${run_id} has the ids ${list(ids.slice(Math.max(firstBad - 3, 0), firstBad + 2))}`]),
        ...(strange ? [`a stream of run ${run_id} has ${strange.event} ${JSON.stringify(strange.data)}`] : []),
      ];
    }),

  /** An id identifies one event for all readers and all runs of the thread. */
  identity: ({ readings }: History) => {
    const known = new Map<string, string>();
    return readings.flatMap(({ run_id, thread_id, parts }) =>
      (isToldOfGap(parts) ? parts.slice(0, -1) : parts).flatMap(({ id, event, data }) => {
        const key = `${thread_id} ${id}`;
        const content = JSON.stringify([run_id, event, data]);
        const before = known.get(key) ?? content;
        known.set(key, content);
        return before === content ? [] : [`id ${id} of thread ${thread_id} is ${before} and ${content}`];
      }),
    );
  },

  /** No event of an execution is missing between two others, or repeated. */
  hole: (history: History) =>
    history.readings.flatMap(({ run_id, parts }) => {
      const says = saysOf(history, run_id);
      const seen = parts.flatMap((part) => toEvent(part, says));
      const groups = withoutRepeats(seen.map(nameOf));
      const executed = executionsOf(history.ledger.filter((line) => line.run_id === run_id));
      const inOrder = sameList(
        groups,
        executed.filter((name) => groups.includes(name)),
      );
      const jumps = seen.filter((event, at) => {
        const before = seen[at - 1];
        return before && nameOf(before) === nameOf(event) && event.place !== before.place + 1;
      });
      return [
        ...(inOrder ? [] : [`a stream of run ${run_id} has events of ${list(groups)}, executed by ${list(executed)}`]),
        ...jumps.map(({ step, n }) => `a stream of run ${run_id} jumps to event ${n} of step ${step}`),
      ];
    }),

  /** All events of a committed step have been received, except for the last moment of a killed process. */
  missing: (history: History) =>
    history.readings.flatMap(({ run_id, thread_id, parts }) => {
      if (history.logLost && isToldOfGap(parts)) {
        return [];
      }
      const says = saysOf(history, run_id);
      const received = new Set(
        parts.flatMap((part) => toEvent(part, says)).map((event) => `${nameOf(event)} ${event.place}`),
      );
      return history.threads
        .filter((thread) => thread.thread_id === thread_id)
        .flatMap(({ done }) => done.map(toStep))
        .filter((step) => step.run_id === run_id)
        .flatMap((step) =>
          numbers(1, says + 1)
            .filter((n) => !received.has(`${nameOf(step)} ${placeOf(step.step, n, says)}`))
            .filter((n) => !isUnlogged(history, step, n))
            .map((n) => `a stream of run ${run_id} lacks event ${n} of step ${step.step} by ${nameOf(step)}`),
        );
    }),
};

/** All violations; empty if the history is consistent. */
export function violations(history: History): Violation[] {
  return Object.entries(RULES).flatMap(([rule, check]) => {
    const found = check(history);
    const more = found.length > MAX_REPORTED ? [`and ${found.length - MAX_REPORTED} more`] : [];
    return [...found.slice(0, MAX_REPORTED), ...more].map((what) => ({ rule: rule as Violation['rule'], what }));
  });
}

/** An event of a step, or the update that follows its events. */
interface StepEvent extends Execution {
  step: number;
  n: number;
  /** Increases by one with each event of an execution. */
  place: number;
}

/** A valid end: the client knows that it must read the state. */
const isToldOfGap = (parts: Part[]): boolean => (parts.at(-1)?.data as { error?: string })?.error === 'StreamGap';

const placeOf = (step: number, n: number, says: number): number => step * (says + 1) + n;

function toEvent({ event, data }: Part, says: number): StepEvent[] {
  if (event === 'custom') {
    const { attempt, pid, step, n } = data as StepEvent;
    return [{ attempt, pid, step, n, place: placeOf(step, n, says) }];
  }
  if (event === 'updates') {
    const { work } = data as { work: { done: string[] } };
    return work.done.map(toStep).map((step) => ({ ...step, n: says + 1, place: placeOf(step.step, says + 1, says) }));
  }
  return [];
}

export function toStep(text: string): Step {
  const [run_id, step, attempt, pid] = text.split(' ');
  return { run_id, step: Number(step), attempt: Number(attempt), pid: Number(pid) };
}

/**
 * The process was killed before the event could reach the log: it did nothing afterwards, or only in its last moment. The
 * line is written before the event, so the next line is an upper bound for the time of the event.
 */
function isUnlogged({ ledger, killed }: History, { run_id, step, attempt, pid }: Step, n: number): boolean {
  const lines = ledger.filter((line) => line.run_id === run_id && line.attempt === attempt && line.pid === pid);
  const isEvent = (line: LedgerLine): boolean => line.step === step && line.what === 'said' && line.n === n;
  const isEnd = (line: LedgerLine): boolean => line.step === step && line.what === 'finished';
  const at = lines.some(isEvent) ? lines.findIndex(isEvent) : lines.findIndex(isEnd);
  const next = lines[at + 1]?.at ?? Infinity;
  return killed.has(pid) && next > killed.get(pid)! - UNLOGGED_MS;
}

/** Executions in order of their start: a frozen process may end a step long after another has taken over its run. */
const executionsOf = (lines: LedgerLine[]): string[] =>
  withoutRepeats(lines.filter(({ what }) => what === 'began').map(nameOf));

const saysOf = ({ runs }: History, run_id: string): number => runs.find((run) => run.run_id === run_id)?.says ?? 0;

const nameOf = ({ attempt, pid }: Execution): string => `${attempt}@${pid}`;
const pidOf = (name: string): number => Number(name.split('@')[1]);

const list = (items: unknown[]): string => items.join(', ');

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const withoutRepeats = (list: string[]): string[] => list.filter((item, index) => item !== list[index - 1]);

const sameList = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

const perThread = <T extends { thread_id: string }>(items: T[]): T[][] => [
  ...groupBy(items, ({ thread_id }) => thread_id).values(),
];

const pairs = <T>(items: T[]): [T, T][] => items.flatMap((a) => items.map((b): [T, T] => [a, b]));

function groupBy<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) {
      group.push(item);
    } else {
      groups.set(key, [item]);
    }
  }
  return groups;
}
