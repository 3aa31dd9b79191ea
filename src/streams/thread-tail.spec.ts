import { beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventLog } from '../../test/support/memory-event-log.js';
import { ThreadTail } from './thread-tail.js';

describe('ThreadTail', () => {
  let log: MemoryEventLog;
  let tail: ThreadTail;

  beforeEach(async () => {
    log = new MemoryEventLog(10);
    log.add('t', null, 5);
    tail = new ThreadTail('t', log);
    await tail.ready();
  });

  const seqsSince = (seq: number): number[] | undefined => tail.since(seq)?.map((event) => event.seq);

  it('begins at the end of the log; earlier events are only in the log', () => {
    expect([tail.begin, tail.end]).toEqual([5, 5]);
    expect(seqsSince(4)).toEqual([]);
    expect(seqsSince(3)).toBeUndefined();
  });

  it('adds the events of this process without reading the log', () => {
    let changes = 0;
    tail.onChange(() => (changes += 1));
    tail.add(log.add('t', 'r', 2));
    tail.add(log.add('t', 'r', 1));
    expect(seqsSince(4)).toEqual([5, 6, 7]);
    expect(seqsSince(5)).toEqual([6, 7]);
    expect(log.reads).toBe(0);
    expect(changes).toBe(1);
  });

  it('fetches events of other processes in the right order', async () => {
    log.add('t', 'other', 25);
    tail.add(log.add('t', 'r', 1));
    await tail.refresh();
    tail.add(log.eventsOf('t').slice(-1));
    expect(seqsSince(4)).toEqual(Array.from({ length: 26 }, (_, n) => n + 5));
  });

  it('reads the log once more for all refreshes requested during a refresh', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    log.gate = () => gate;
    const first = tail.refresh();
    await new Promise((resolve) => setImmediate(resolve));
    log.add('t', 'other', 1);
    const others = [tail.refresh(), tail.refresh()];
    open();
    await Promise.all([first, ...others]);
    expect(log.reads).toBe(2);
    expect(seqsSince(4)).toEqual([5]);
  });

  it('restarts after skipped numbers, because only the log knows whether events were lost', async () => {
    tail.add(log.add('t', 'r', 1));
    log.skip('t', 100);
    log.add('t', 'r', 2);
    await tail.refresh();
    expect([tail.begin, tail.end]).toEqual([106, 108]);
    expect(seqsSince(5)).toBeUndefined();
    expect(seqsSince(105)).toEqual([106, 107]);
  });

  it('keeps a bounded number of events and of characters', () => {
    for (let n = 0; n < 10; n += 1) {
      tail.add(log.add('t', 'r', 500));
    }
    expect(tail.since(tail.begin! - 1)!.length).toBeLessThanOrEqual(2_000);
    expect(seqsSince(tail.end! - 2)).toEqual([tail.end! - 1]);
    const large = (): void => {
      tail.add(log.add('t', 'r', 1).map((event) => ({ ...event, json: 'x'.repeat(3_000_000) })));
    };
    large();
    large();
    expect(tail.since(tail.begin! - 1)!.reduce((sum, { json }) => sum + json.length, 0)).toBeLessThan(4_000_000);
    expect(tail.end).toBe(5_007);
  });

  it('has no position until the log responds, and retries after a failure', async () => {
    tail = new ThreadTail('t', log);
    log.isUnavailable = true;
    await expect(tail.ready()).rejects.toThrow('unavailable');
    expect(tail.since(4)).toBeUndefined();
    log.isUnavailable = false;
    await tail.ready();
    expect(tail.end).toBe(5);
  });
});
