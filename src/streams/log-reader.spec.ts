import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MemoryEventLog } from '../../test/support/memory-event-log.js';
import { LogReader, type LogReaderOptions } from './log-reader.js';
import { RunBuffer } from './run-buffer.js';
import type { NumberedEvent, StreamReader } from './stream-event.js';
import { ThreadTail } from './thread-tail.js';

Logger.overrideLogger(false);

const seqsOf = async (reader: StreamReader): Promise<number[]> => {
  const seen: number[] = [];
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    seen.push(...next.value.map(({ seq }) => seq));
  }
  return seen;
};

const nextSeqs = async (reader: StreamReader): Promise<number[]> => (await reader.next()).value!.map(({ seq }) => seq);

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

/** Pseudorandom numbers from a fixed seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

describe('LogReader', () => {
  let log: MemoryEventLog;
  let tail: ThreadTail;
  let left: LogReader[];

  beforeEach(() => {
    log = new MemoryEventLog(10);
    tail = new ThreadTail('t', log);
    left = [];
  });

  const read = (options: Partial<LogReaderOptions> = {}): LogReader =>
    new LogReader(log, tail, { thread_id: 't', position: { from: 'start' }, ...options }, (reader) =>
      left.push(reader),
    );

  /** Writes events as this process. */
  const write = (run_id: string | null, count: number, name?: string): void =>
    tail.add(log.add('t', run_id, count, name));

  it('returns all stored events page by page, then live events of this and other processes', async () => {
    log.add('t', 'r', 25);
    const reader = read();
    expect([await nextSeqs(reader), await nextSeqs(reader), await nextSeqs(reader)]).toEqual([
      range(0, 10),
      range(10, 20),
      range(20, 25),
    ]);
    write('r', 2);
    expect(await nextSeqs(reader)).toEqual([25, 26]);
    log.add('t', 'other', 1);
    write('r', 1);
    expect(await nextSeqs(reader)).toEqual([27, 28]);
  });

  it.each([
    [{ from: 'start' }, range(0, 8)],
    [{ from: 'after', seq: 2 }, range(3, 8)],
    [{ from: 'after', seq: 5 }, range(6, 8)],
    [{ from: 'after', seq: 6 }, range(0, 8)],
    [{ from: 'now' }, range(6, 8)],
  ] as const)('starts at %j', async (position, expected) => {
    log.add('t', 'r', 6);
    const reader = read({ position });
    await reader.begin();
    write('r', 2);
    reader.end();
    expect(await seqsOf(reader)).toEqual(expected);
  });

  it.each([
    [{ from: 'after', seq: 7 }, [8]],
    [{ from: 'now' }, [8]],
  ] as const)('starts at %j even when the tail is behind the log', async (position, expected) => {
    await tail.ready();
    log.add('t', 'r', 8);
    const reader = read({ position });
    await reader.begin();
    write('r', 1);
    reader.end();
    expect(await seqsOf(reader)).toEqual(expected);
  });

  it.each(range(0, 20))('misses and repeats no event while other processes write (seed %i)', async (seed) => {
    const random = numbers(seed);
    log.gate = async () => {
      for (let turns = random(4); turns > 0; turns -= 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    log.add('t', 'r', random(40));
    const readers = [read(), read({ run_id: 'r' }), read({ position: { from: 'after', seq: 3 } })];
    const seen = readers.map(seqsOf);
    for (let round = 0; round < 60; round += 1) {
      const run_id = random(3) === 0 ? 'other' : 'r';
      const count = 1 + random(round % 20 === 0 ? 900 : 5);
      if (random(2) === 0) {
        write(run_id, count);
      } else {
        log.add('t', run_id, count);
        void tail.refresh();
      }
      await log.gate();
    }
    readers.forEach((reader) => reader.end());
    const all = log.eventsOf('t');
    const from = all.length > 4 ? 4 : 0;
    expect(await Promise.all(seen)).toEqual([
      all.map(({ seq }) => seq),
      all.filter(({ run_id }) => run_id === 'r').map(({ seq }) => seq),
      all.map(({ seq }) => seq).filter((seq) => seq >= from),
    ]);
  });

  describe('at the end of a run', () => {
    it('returns the last events of another process, although their notification was lost', async () => {
      write('r', 2, 'metadata');
      const reader = read({ run_id: 'r' });
      await nextSeqs(reader);
      log.add('t', 'r', 1);
      reader.end();
      expect(await seqsOf(reader)).toEqual([2]);
      expect(left).toEqual([reader]);
    });

    it('does not read the log when it already has all events', async () => {
      await tail.ready();
      const reader = read({ run_id: 'r' });
      write('r', 2, 'metadata');
      reader.end(1);
      expect(await seqsOf(reader)).toEqual([0, 1]);
      expect(log.reads).toBe(0);
    });

    it('ends although another run of the thread continues', async () => {
      write('r', 3, 'metadata');
      const reader = read({ run_id: 'r' });
      reader.end();
      log.gate = () => write('next', 1);
      expect(await seqsOf(reader)).toEqual([0, 1, 2]);
    });

    it('ends although expected events are lost', async () => {
      write('r', 3, 'metadata');
      const reader = read({ run_id: 'r' });
      expect(await nextSeqs(reader)).toEqual([0, 1, 2]);
      reader.end(99);
      expect(await seqsOf(reader)).toEqual([]);
    });

    it('waits while the log is unavailable', async () => {
      write('r', 3, 'metadata');
      const reader = read({ run_id: 'r' });
      log.isUnavailable = true;
      reader.end();
      const seen = seqsOf(reader);
      await new Promise((resolve) => setTimeout(resolve, 20));
      log.isUnavailable = false;
      expect(await seen).toEqual([0, 1, 2]);
    });
  });

  it('fails when the log fails permanently', async () => {
    log.gate = () => {
      throw new TypeError('a fault');
    };
    await expect(read().next()).rejects.toThrow('a fault');
  });

  it('ends a pending read when its client disconnects', async () => {
    const reader = read();
    const pending = reader.next();
    await tail.ready();
    await new Promise((resolve) => setImmediate(resolve));
    reader.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(left).toEqual([reader]);
  });

  describe('replaced by a reader of the memory', () => {
    const buffer = new RunBuffer('r');
    buffer.append('metadata', '{}');
    buffer.close();

    it('returns each event once, including those being fetched', async () => {
      const reader = read({ run_id: 'r' });
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      log.add('t', 'r', 2, 'metadata');
      log.gate = () => gate;
      const seen = seqsOf(reader);
      expect(reader.isReplaceable).toBe(true);
      reader.replaceBy(buffer.read({ from: 'start' }));
      open();
      expect(await seen).toEqual([0]);
    });

    it('returns events at once when it was waiting', async () => {
      const reader = read({ run_id: 'r' });
      const seen = seqsOf(reader);
      await new Promise((resolve) => setImmediate(resolve));
      reader.replaceBy(buffer.read({ from: 'start' }));
      expect(await seen).toEqual([0]);
    });

    it('is not possible after it has returned an event, or when only live events are requested', async () => {
      log.add('t', 'r', 2, 'metadata');
      const reader = read({ run_id: 'r' });
      await reader.next();
      expect(reader.isReplaceable).toBe(false);
      expect(read({ run_id: 'r', position: { from: 'now' } }).isReplaceable).toBe(false);
    });
  });

  it('knows an id that was written while another reader started the tail', async () => {
    const bounds = log.bounds.bind(log);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let isRead = (): void => undefined;
    const read = new Promise<void>((resolve) => (isRead = resolve));
    log.bounds = async (thread_id) => {
      const found = await bounds(thread_id);
      isRead();
      await gate;
      return found;
    };
    const readFrom = (position: LogReaderOptions['position']): LogReader =>
      new LogReader(log, tail, { thread_id: 't', position }, () => undefined);
    void readFrom({ from: 'now' }).begin();
    await read;
    log.add('t', 'r', 3);
    const reader = readFrom({ from: 'after', seq: 1 });
    const begun = reader.begin();
    release();
    await begun;
    expect(reader.after).toBe(1);
  });

  describe('before the metadata of a later attempt', () => {
    const begin = (): NumberedEvent[] => log.add('t', 'r', 1, 'metadata', '{"run_id":"r","attempt":2}');
    const namesOf = async (reader: LogReader): Promise<string[]> =>
      (await reader.next()).value!.map(({ event }) => event);

    it('reports a gap when a crash has lost the earlier attempt', async () => {
      log.crash('t');
      begin();
      expect(await namesOf(read({ run_id: 'r', resumable: true }))).toEqual(['error']);
    });

    it('reports it also to a reader that was there before the attempt', async () => {
      log.crash('t');
      const reader = read({ run_id: 'r', resumable: true });
      const names = namesOf(reader);
      await tail.ready();
      begin();
      await tail.refresh();
      expect(await names).toEqual(['error']);
    });

    it.each<[string, () => void]>([
      ['the log was never emptied', () => undefined],
      [
        'events of an older run are still there',
        () => {
          log.crash('t');
          log.add('t', 'old', 1);
        },
      ],
    ])('reports none when %s', async (_, prepare) => {
      prepare();
      begin();
      expect(await namesOf(read({ run_id: 'r', resumable: true }))).toEqual(['metadata']);
    });

    it('reports none for a run whose events are not kept', async () => {
      log.crash('t');
      begin();
      expect(await namesOf(read({ run_id: 'r' }))).toEqual(['metadata']);
    });
  });

  describe('on a log that has dropped events', () => {
    const gap = (seq: number) => ({ seq, event: 'error', json: expect.stringContaining('"StreamGap"') });

    beforeEach(() => {
      log.add('t', 'old', 5, 'metadata');
      log.add('t', 'r', 1, 'metadata');
      log.add('t', 'r', 9);
    });
    const dropBefore = (seq: number): void => log.drop('t', (event) => event.seq < seq);

    it('reports a gap when the log was emptied before the first read', async () => {
      const reader = read({ run_id: 'r' });
      dropBefore(15);
      const next = reader.next();
      await new Promise((resolve) => setImmediate(resolve));
      write('r', 2);
      expect((await next).value).toEqual([expect.objectContaining({ event: 'error', run_id: 'r' })]);
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    });

    it('reports the gap to the reader of a run, and ends', async () => {
      dropBefore(10);
      for (const position of [{ from: 'start' }, { from: 'after', seq: 7 }] as const) {
        const reader = read({ run_id: 'r', position });
        expect((await reader.next()).value).toEqual([expect.objectContaining({ event: 'error', run_id: 'r' })]);
        expect(await reader.next()).toEqual({ done: true, value: undefined });
      }
      expect(left).toHaveLength(2);
    });

    it('reports the gap to the reader of a thread, and continues with the stored events', async () => {
      dropBefore(10);
      const reader = read({ position: { from: 'after', seq: 3 } });
      const { value } = await reader.next();
      expect(value![0]).toMatchObject(gap(9));
      expect(value!.map(({ seq }) => seq)).toEqual([9, ...range(10, 15)]);
      write('r', 1);
      expect(await nextSeqs(reader)).toEqual([15]);
      expect((await read({ position: { from: 'after', seq: 9 } }).next()).value).not.toContainEqual(
        expect.objectContaining({ event: 'error' }),
      );
    });

    it('reports no gap when all stored events of a thread are requested', async () => {
      dropBefore(10);
      expect(await nextSeqs(read())).toEqual(range(10, 15));
    });

    it('reports no gap when the reader has missed no event of the run', async () => {
      // Drops a run in between, although the older run is stored: their retentions differ.
      log.add('t', 'between', 4);
      log.add('t', 'next', 2, 'metadata');
      log.drop('t', ({ run_id }) => run_id === 'between');
      const all = async (run_id: string, seq: number): Promise<number[]> => {
        const reader = read({ run_id, position: { from: 'after', seq } });
        reader.end();
        return seqsOf(reader);
      };
      expect(await all('r', 14)).toEqual([]);
      expect(await all('r', 12)).toEqual([13, 14]);
      expect(await all('next', 14)).toEqual([19, 20]);
      expect(await all('next', 3)).toEqual([19, 20]);
    });

    it('reports a gap when no event of the run is stored and some may be missing', async () => {
      log.drop('t', ({ run_id }) => run_id === 'r');
      const reader = read({ run_id: 'r', position: { from: 'after', seq: 14 } });
      reader.end();
      write('next', 1);
      expect((await reader.next()).value).toBeUndefined();
      const cut = read({ run_id: 'r', position: { from: 'after', seq: 8 } });
      expect((await cut.next()).value).toEqual([expect.objectContaining({ event: 'error' })]);
    });

    it('reports no gap where numbers were only skipped', async () => {
      const readers = [read(), read({ run_id: 'r' })];
      const seen = readers.map(seqsOf);
      await new Promise((resolve) => setImmediate(resolve));
      log.skip('t', 3);
      log.add('t', 'r', 2);
      await tail.refresh();
      readers.forEach((reader) => reader.end());
      expect(await Promise.all(seen)).toEqual([
        [...range(0, 15), 18, 19],
        [...range(5, 15), 18, 19],
      ]);
    });

    it('reports a gap for an id from before a crash, with or without writes since then', async () => {
      for (const count of [0, 1]) {
        log.crash('t');
        const reader = new LogReader(
          log,
          new ThreadTail('t', log),
          { thread_id: 't', run_id: 'r', position: { from: 'after', seq: 7 } },
          () => undefined,
        );
        log.add('t', 'r', count);
        expect((await reader.next()).value).toEqual([expect.objectContaining({ event: 'error' })]);
      }
    });

    it('reports a gap for an unknown id when the first event of the run is missing', async () => {
      const reader = new LogReader(
        log,
        new ThreadTail('u', log),
        { thread_id: 'u', run_id: 'r', position: { from: 'after', seq: 7 } },
        () => undefined,
      );
      await reader.begin();
      log.add('u', 'r', 1);
      reader.end();
      expect((await reader.next()).value).toEqual([expect.objectContaining({ event: 'error' })]);
    });

    it('reports a gap to active readers when a crash has lost events', async () => {
      const reader = read({ run_id: 'r', position: { from: 'now' } });
      const next = reader.next();
      await new Promise((resolve) => setImmediate(resolve));
      log.add('t', 'r', 3);
      log.drop('t', () => true);
      log.skip('t', 1_000_000);
      log.drop('t', () => true);
      log.add('t', 'r', 1);
      await tail.refresh();
      expect((await next).value).toEqual([expect.objectContaining({ event: 'error' })]);
    });
  });
});
