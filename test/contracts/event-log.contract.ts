import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Appended,
  type EventLog,
  type LogRetention,
  MAX_CHUNK_EVENTS,
  MAX_CHUNKS,
  type NewChunk,
} from '../../src/streams/event-log.js';
import type { NumberedEvent, StreamEvent } from '../../src/streams/stream-event.js';

/** A run and the lease under which its events are written. */
export interface LeasedRun {
  run_id: string;
  lease_token: string;
}

/** What the spec of an implementation provides: the log as several processes see it, and the rest of the system. */
export interface LogFixture {
  /** The log in one process and in others. */
  logs: EventLog[];
  newThread(thread_id?: string): Promise<string>;
  /** A running run. */
  newRun(thread_id: string): Promise<LeasedRun>;
  takeLease(run: LeasedRun): Promise<void>;
  endRun(run: LeasedRun): Promise<void>;
  /** Makes all stored rows older. */
  letPass(ms: number): Promise<void>;
  /** Deletes the thread with its runs and events, as the service does. */
  deleteThread(thread_id: string): Promise<void>;
  /** Blocks the writers of a thread that has events. */
  hold(thread_id: string): Promise<{ untilWaiting(writers: number): Promise<void>; release(): Promise<void> }>;
  /** Simulates a crash that loses all events and as many numbers of the thread as a crash can lose. */
  crash(thread_id: string): Promise<void>;
}

const RETENTION: LogRetention = { resumable_ms: 3_600_000, other_ms: 60_000 };

const event = (n: number, size = 0): StreamEvent => ({
  event: 'custom',
  json: JSON.stringify({ n, x: 'x'.repeat(size) }),
});
const events = (count: number, from = 0, size = 0): StreamEvent[] =>
  Array.from({ length: count }, (_, index) => event(from + index, size));

const chunk = (thread_id: string, fields: Partial<NewChunk> = {}): NewChunk => ({
  chunk_id: randomUUID(),
  thread_id,
  run_id: null,
  lease_token: null,
  resumable: true,
  events: events(1),
  ...fields,
});

/** Everything after a number, page by page. */
async function readAll(log: EventLog, thread_id: string, after = -1, run_id?: string): Promise<NumberedEvent[]> {
  const all: NumberedEvent[] = [];
  for (;;) {
    const page = await log.read(thread_id, all.at(-1)?.seq ?? after, run_id);
    all.push(...page.events);
    if (page.isLast) {
      return all;
    }
    expect(page.events.length).toBeGreaterThan(0);
  }
}

const seqs = (read: NumberedEvent[]): number[] => read.map(({ seq }) => seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const repeat = async (times: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  for (let index = 0; index < times; index += 1) {
    await work(index);
  }
};

/** The contract of every event log. Call it in the spec of an implementation. */
export function describeEventLog(setUp: () => Promise<LogFixture>): void {
  let fixture: LogFixture;
  let log: EventLog;
  let thread_id: string;

  beforeAll(async () => {
    fixture = await setUp();
    [log] = fixture.logs;
  });
  beforeEach(async () => {
    thread_id = await fixture.newThread();
  });

  const write = async (fields: Partial<NewChunk> = {}, thread = thread_id): Promise<Appended | undefined> =>
    (await log.append([chunk(thread, fields)], false))[0];

  describe('numbers', () => {
    it('begin at 0 and increase along a thread, whichever process writes', async () => {
      const run = await fixture.newRun(thread_id);
      expect(await write({ ...run, events: events(3) })).toMatchObject({ seq: 0 });
      expect(await write({ events: events(2) })).toMatchObject({ seq: 3 });
      const [, other] = fixture.logs;
      expect(await other.append([chunk(thread_id)], false)).toMatchObject([{ seq: 5 }]);
      expect(await write({}, await fixture.newThread())).toMatchObject({ seq: 0 });
      expect(await readAll(log, thread_id)).toMatchObject([
        { seq: 0, run_id: run.run_id, event: 'custom', json: event(0).json },
        { seq: 1, run_id: run.run_id, json: event(1).json },
        { seq: 2, run_id: run.run_id, json: event(2).json },
        { seq: 3, run_id: null, json: event(0).json },
        { seq: 4, run_id: null, json: event(1).json },
        { seq: 5, run_id: null, json: event(0).json },
      ]);
    });

    it('have no gaps and are never reused when many processes write at once', async () => {
      const places: number[] = [];
      await Promise.all(
        fixture.logs.flatMap((writer, w) =>
          [0, 1].map(() =>
            repeat(25, async (index) => {
              const count = 1 + ((index + w) % 4);
              const [at] = await writer.append([chunk(thread_id, { events: events(count) })], false);
              places.push(...upTo(count).map((n) => at!.seq + n));
            }),
          ),
        ),
      );
      expect(places.toSorted((a, b) => a - b)).toEqual(upTo(places.length));
      expect(seqs(await readAll(log, thread_id))).toEqual(upTo(places.length));
    });

    it('follow the order of commits: a reader misses nothing while other processes write', async () => {
      const seen: number[] = [];
      let isWriting = true;
      const read = async (): Promise<void> => {
        for (let last = false; isWriting || !last;) {
          const wasWriting = isWriting;
          const page = await log.read(thread_id, seen.at(-1) ?? -1);
          seen.push(...seqs(page.events));
          last = page.isLast && !wasWriting;
        }
      };
      const reading = read();
      await Promise.all(
        fixture.logs.map((writer, w) =>
          repeat(40, (index) =>
            writer.append([chunk(thread_id, { events: events(1 + ((w + index) % 3), 0, 500 * w) })], false),
          ),
        ),
      );
      isWriting = false;
      await reading;
      expect(seen).toEqual(upTo(seen.length));
      expect(seen).toEqual(seqs(await readAll(log, thread_id)));
    });

    it('of many threads are assigned at once, and two writers of the same threads do not deadlock', async () => {
      const threads = await Promise.all(upTo(20).map(() => fixture.newThread()));
      await Promise.all(
        fixture.logs.map((writer, w) =>
          repeat(15, () =>
            writer.append(
              (w % 2 ? threads : threads.toReversed()).map((id) => chunk(id)),
              false,
            ),
          ),
        ),
      );
      for (const thread of threads) {
        expect(seqs(await readAll(log, thread))).toEqual(upTo(15 * fixture.logs.length));
      }
    });

    it('are assigned to MAX_CHUNKS chunks at once', async () => {
      const threads = await Promise.all(upTo(MAX_CHUNKS).map(() => fixture.newThread()));
      const places = await log.append(threads.map((id) => chunk(id)), false); // prettier-ignore
      expect(places).toEqual(threads.map(() => ({ seq: 0, kept_size: expect.any(Number) })));
    });

    it('are reported by thread, without deleted threads', async () => {
      await write({ events: events(4) });
      const [empty, gone] = [await fixture.newThread(), await fixture.newThread()];
      await write({}, gone);
      await fixture.deleteThread(gone);
      expect(await log.ends([thread_id, empty, gone, randomUUID()])).toEqual(
        new Map([
          [thread_id, 4],
          [empty, 0],
        ]),
      );
    });
  });

  describe('a written event', () => {
    it('is read back unchanged', async () => {
      const strings = ['', 'ümlaut \u2028 \u{1f680}', '"\\\n\r\t\u0000', "'; --", '$1', '\\x00', 'x'.repeat(300_000)];
      const written = strings.map((value, index) => ({ event: `values|child:${index}`, json: JSON.stringify(value) }));
      await write({ events: written });
      expect(await readAll(log, thread_id)).toEqual(written.map((one, seq) => ({ ...one, seq, run_id: null })));
    });

    it('may be one of MAX_CHUNK_EVENTS in a chunk, and reading can start after any of them', async () => {
      await write({ events: events(MAX_CHUNK_EVENTS) });
      await write({ events: events(1) });
      for (const after of [0, 1, MAX_CHUNK_EVENTS - 2, MAX_CHUNK_EVENTS - 1]) {
        expect(seqs(await readAll(log, thread_id, after))).toEqual(upTo(MAX_CHUNK_EVENTS + 1).slice(after + 1));
      }
      expect(await log.read(thread_id, MAX_CHUNK_EVENTS)).toEqual({ events: [], isLast: true });
    });

    it('is read page by page from a log of any size', async () => {
      await repeat(450, () => write({ events: events(2) }));
      await repeat(3, () => write({ events: events(1, 0, 3_000_000) }));
      const first = await log.read(thread_id, -1);
      expect(first.isLast).toBe(false);
      expect(first.events.length).toBeLessThan(900);
      const large = await log.read(thread_id, 899);
      expect(large.isLast).toBe(false);
      expect(seqs(await readAll(log, thread_id))).toEqual(upTo(903));
      expect(await log.read(thread_id, 901)).toMatchObject({ events: [{ seq: 902 }], isLast: true });
    });

    it('can be read by run', async () => {
      const [one, other] = [await fixture.newRun(thread_id), await fixture.newRun(await fixture.newThread())];
      await write({ events: events(2) });
      await write({ ...one, events: events(2) });
      await write({ run_id: other.run_id, events: events(1) });
      await write({ ...one, events: events(3) });
      expect(seqs(await readAll(log, thread_id, -1, one.run_id))).toEqual([2, 3, 5, 6, 7]);
      expect(seqs(await readAll(log, thread_id, 5, one.run_id))).toEqual([6, 7]);
      expect(await readAll(log, thread_id, 7, one.run_id)).toEqual([]);
      expect(await log.oldestOf(thread_id, one.run_id)).toBe(2);
      expect(await log.oldestOf(thread_id, randomUUID())).toBeUndefined();
    });

    it('does not exist for a thread without writes', async () => {
      expect(await log.read(thread_id, -1)).toEqual({ events: [], isLast: true });
      expect(await log.bounds(thread_id)).toEqual({ kept_from: 0, next_seq: 0 });
      expect(await log.read(randomUUID(), -1)).toEqual({ events: [], isLast: true });
    });
  });

  describe('a chunk', () => {
    it('is rejected without its lease or its thread; the others of the same call are written', async () => {
      const run = await fixture.newRun(thread_id);
      const lost = await fixture.newRun(await fixture.newThread());
      await fixture.takeLease(lost);
      const [other, gone] = [await fixture.newThread(), randomUUID()];
      const chunks = [
        chunk(gone),
        chunk(thread_id, run),
        chunk(other, lost),
        chunk(await fixture.newThread(), { ...run, lease_token: randomUUID() }),
      ];
      const places = await log.append(chunks, false);
      expect(places).toEqual([undefined, { seq: 0, kept_size: expect.any(Number) }, undefined, undefined]);
      expect(await readAll(log, other)).toEqual([]);
      expect(await log.bounds(gone)).toEqual({ kept_from: 0, next_seq: 0 });
    });

    it('without a lease token is written even when its run has ended', async () => {
      const run = await fixture.newRun(thread_id);
      await fixture.endRun(run);
      expect(await write(run)).toBeUndefined();
      expect(await write({ run_id: run.run_id })).toMatchObject({ seq: 0 });
    });

    it('is rejected when its lease is lost while it waits for another writer', async () => {
      const run = await fixture.newRun(thread_id);
      await write(run);
      const held = await fixture.hold(thread_id);
      const writing = write({ ...run, events: events(2) });
      await held.untilWaiting(1);
      await fixture.takeLease(run);
      await held.release();
      expect(await writing).toBeUndefined();
      const after = await write({ run_id: run.run_id });
      expect(seqs(await readAll(log, thread_id))).toEqual([0, after!.seq]);
    });

    it('is rejected when its thread is deleted while it waits, and leaves no rows', async () => {
      const run = await fixture.newRun(thread_id);
      await write(run);
      const held = await fixture.hold(thread_id);
      const deleting = fixture.deleteThread(thread_id);
      await held.untilWaiting(1);
      const writing = write(run);
      await held.untilWaiting(2);
      await held.release();
      await deleting;
      expect(await writing).toBeUndefined();
      expect(await log.bounds(thread_id)).toEqual({ kept_from: 0, next_seq: 0 });
      expect(await readAll(log, thread_id)).toEqual([]);
    });
  });

  describe('a retry', () => {
    it('does not repeat a chunk that was written', async () => {
      const arrived = chunk(thread_id, { events: events(2) });
      const missing = chunk(await fixture.newThread());
      const [place] = await log.append([arrived], false);
      await write();
      const [again, first] = await log.append([arrived, missing], true);
      expect(again!.seq).toBe(place!.seq);
      expect(first!.seq).toBe(0);
      expect(seqs(await readAll(log, thread_id))).toEqual([0, 1, 2]);
      expect(seqs(await readAll(log, missing.thread_id))).toEqual([0]);
    });

    it('does not repeat a chunk that is still in flight', async () => {
      await write();
      const held = await fixture.hold(thread_id);
      const twice = chunk(thread_id, { events: events(2) });
      const first = log.append([twice], false);
      await held.untilWaiting(1);
      const second = log.append([twice], true);
      await held.untilWaiting(2);
      await held.release();
      expect((await second)[0]!.seq).toBe((await first)[0]!.seq);
      expect(seqs(await readAll(log, thread_id))).toEqual([0, 1, 2]);
    });

    it('is rejected without the lease, unless the first attempt was written before the lease was lost', async () => {
      const run = await fixture.newRun(thread_id);
      const [arrived, missing] = [chunk(thread_id, run), chunk(thread_id, run)];
      const [place] = await log.append([arrived], false);
      await fixture.takeLease(run);
      expect((await log.append([arrived], true))[0]!.seq).toBe(place!.seq);
      expect(await log.append([missing], true)).toEqual([undefined]);
      expect(await log.append([chunk(randomUUID())], true)).toEqual([undefined]);
    });
  });

  describe('old events', () => {
    it('are dropped down to the requested size; numbers continue', async () => {
      await repeat(10, (n) => write({ events: events(2, 2 * n, 1_000) }));
      const { kept_size } = (await write())!;
      expect(kept_size).toBeGreaterThan(20_000);
      expect(kept_size).toBeLessThan(30_000);
      await log.trim(thread_id, 10_000);
      const { kept_from } = await log.bounds(thread_id);
      expect(seqs(await readAll(log, thread_id))).toEqual(upTo(21).slice(kept_from));
      expect(kept_from).toBeGreaterThanOrEqual(12);
      expect(kept_from).toBeLessThanOrEqual(14);
      expect(await write()).toEqual({ seq: 21, kept_size: expect.any(Number) });
      expect((await write())!.kept_size).toBeLessThan(10_500);
      await log.trim(thread_id, 10_500);
      expect((await log.bounds(thread_id)).kept_from).toBe(kept_from);
    });

    it('are not dropped twice by concurrent trims', async () => {
      await repeat(10, () => write({ events: events(1, 0, 1_000) }));
      await Promise.all(fixture.logs.map((one) => one.trim(thread_id, 5_500)));
      expect(seqs(await readAll(log, thread_id))).toEqual([5, 6, 7, 8, 9]);
      const { kept_size } = (await write({ events: events(1, 0, 1_000) }))!;
      expect(kept_size).toBeGreaterThan(6_000);
      expect(kept_size).toBeLessThan(6_500);
    });

    it('are trimmed and swept at the same time without an error', async () => {
      await repeat(10, async () => {
        const thread = await fixture.newThread();
        await repeat(20, () => write({ resumable: false, events: events(1, 0, 1_000) }, thread));
        await fixture.letPass(2 * RETENTION.other_ms);
        await Promise.all(fixture.logs.flatMap((one) => [one.trim(thread, 5_000), one.sweep(RETENTION)]));
        await log.sweep(RETENTION);
        expect(await readAll(log, thread)).toEqual([]);
        expect((await write({}, thread))!.kept_size).toBeLessThan(100);
      });
    });

    it('of ended runs are removed after their retention, and not before', async () => {
      const long = await fixture.newRun(thread_id);
      await write({ ...long, events: events(2) });
      await write({ ...long, resumable: false });
      const other = await fixture.newThread();
      const active = await fixture.newRun(other);
      await write(active, other);
      await write({ ...active, resumable: false }, other);
      await write({}, other);

      await fixture.letPass(RETENTION.resumable_ms);
      await fixture.endRun(long);
      await log.sweep(RETENTION);
      expect(seqs(await readAll(log, thread_id))).toEqual([0, 1, 2]);
      // Events of the thread itself expire without waiting for the end of a run.
      expect(seqs(await readAll(log, other))).toEqual([0, 1]);

      await fixture.letPass(RETENTION.other_ms + 1_000);
      await log.sweep(RETENTION);
      expect(seqs(await readAll(log, thread_id))).toEqual([0, 1]);
      expect(seqs(await readAll(log, other))).toEqual([0, 1]);

      await fixture.letPass(RETENTION.resumable_ms);
      await Promise.all(fixture.logs.map((one) => one.sweep(RETENTION)));
      expect(await readAll(log, thread_id)).toEqual([]);
      expect(seqs(await readAll(log, other))).toEqual([0, 1]);
      expect(await log.bounds(thread_id)).toEqual({ kept_from: 3, next_seq: 3 });
      expect(await write()).toEqual({ seq: 3, kept_size: event(0).event.length + event(0).json.length + 1 });
    });

    it('are removed in any number', async () => {
      await repeat(20, async () => {
        const threads = await Promise.all(upTo(120).map(() => fixture.newThread()));
        await log.append(threads.map((id) => chunk(id, { resumable: false })), false); // prettier-ignore
      });
      await write();
      await fixture.letPass(2 * RETENTION.other_ms);
      const survivor = await fixture.newThread();
      await write({ resumable: false }, survivor);
      await log.sweep(RETENTION);
      expect(seqs(await readAll(log, survivor))).toEqual([0]);
      expect(seqs(await readAll(log, thread_id))).toEqual([0]);
    });

    it('are deleted with their thread, even during writes; a new thread with that id starts at 0', async () => {
      await repeat(15, async () => {
        const run = await fixture.newRun(thread_id);
        await write(run);
        let isDeleted = false;
        const writers = fixture.logs.map(async (writer) => {
          while (!isDeleted) {
            await writer.append([chunk(thread_id, run)], false);
          }
        });
        await fixture.deleteThread(thread_id);
        isDeleted = true;
        await Promise.all(writers);
        expect(await readAll(log, thread_id)).toEqual([]);
        expect(await log.bounds(thread_id)).toEqual({ kept_from: 0, next_seq: 0 });
        await fixture.newThread(thread_id);
        expect(await write()).toMatchObject({ seq: 0 });
        await fixture.deleteThread(thread_id);
        await fixture.newThread(thread_id);
      });
    });
  });

  describe('a crash that loses the events', () => {
    it('reuses no number, and bounds report the loss', async () => {
      await repeat(5, () => write({ events: events(3, 0, 1_000) }));
      await fixture.crash(thread_id);
      expect(await readAll(log, thread_id)).toEqual([]);
      const { seq, kept_size } = (await write())!;
      expect(seq).toBeGreaterThanOrEqual(15);
      expect(kept_size).toBeLessThan(100);
      expect(await log.bounds(thread_id)).toEqual({ kept_from: seq, next_seq: seq + 1 });
      expect(await write()).toMatchObject({ seq: seq + 1 });
    });

    it('is reported by bounds even before the next write', async () => {
      const { seq } = (await write({ events: events(3) }))!;
      await fixture.crash(thread_id);
      const { kept_from, next_seq } = await log.bounds(thread_id);
      expect(kept_from).toBeGreaterThan(seq + 2);
      expect(next_seq).toBe(kept_from);
      expect((await write())!.seq).toBeGreaterThanOrEqual(next_seq);
    });

    it('causes no rejection when several processes write at once afterwards', async () => {
      await fixture.crash(thread_id);
      const thread_ids = await Promise.all(fixture.logs.map(() => fixture.newThread()));
      const places = await Promise.all(
        fixture.logs.map((each, index) => each.append([chunk(thread_ids[index])], false)),
      );
      expect(places.map(([place]) => place?.seq)).toEqual(thread_ids.map(() => expect.any(Number)));
    });

    it('does not affect threads created later', async () => {
      await fixture.crash(thread_id);
      await write();
      expect(await write({}, await fixture.newThread())).toMatchObject({ seq: 0 });
    });

    it('may happen again, even right after the first event of a thread', async () => {
      let last = -1;
      await repeat(4, async () => {
        const { seq } = (await write())!;
        expect(seq).toBeGreaterThan(last);
        last = seq;
        await fixture.crash(thread_id);
      });
    });
  });
}
