import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MemoryEventLog } from '../../test/support/memory-event-log.js';
import { MAX_CHUNK_EVENTS, type NewChunk } from './event-log.js';
import { LogWriter, type LogSource } from './log-writer.js';
import type { StreamEvent } from './stream-event.js';

const source = (thread_id: string, run_id: string | null = 'r', lease_token: string | null = 'l'): LogSource => ({
  thread_id,
  run_id,
  lease_token,
  resumable: true,
});
const event = (name: string): StreamEvent => ({ event: name, json: '0' });
const namesOf = ({ events }: Pick<NewChunk, 'events'>): string[] => events.map((one) => one.event);

/** A promise with its resolve function. */
function newGate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

Logger.overrideLogger(false);

describe('LogWriter', () => {
  let log: MemoryEventLog;
  let writer: LogWriter;
  let logged: { names: string[]; seq?: number }[];

  beforeEach(() => {
    log = new MemoryEventLog();
    logged = [];
    writer = new LogWriter(log, (chunk, at) => logged.push({ names: namesOf(chunk), seq: at?.seq }));
  });
  afterEach(() => writer.stop());

  const write = (thread_id: string, ...names: string[]): void =>
    names.forEach((name) => writer.append(source(thread_id), [event(name)], false));
  const written = (thread_id: string): string[] => namesOf({ events: log.eventsOf(thread_id) });

  it('writes the events of one turn together, and later events with the next statement', async () => {
    const gate = newGate();
    log.gate = () => gate.opened;
    write('a', '1', '2');
    write('b', '1');
    await new Promise((resolve) => setImmediate(resolve));
    write('a', '3');
    write('b', '2', '3');
    write('c', '1');
    gate.open();
    await Promise.all(['a', 'b', 'c'].map((thread_id) => writer.drained(thread_id)));
    expect(log.appends.map((chunks) => chunks.map(namesOf))).toEqual([
      [['1', '2'], ['1']],
      [['1'], ['3'], ['2', '3']],
    ]);
    expect(logged).toContainEqual({ names: ['2', '3'], seq: 1 });
  });

  it('keeps the order of a thread, with separate chunks per run and lease and a size limit', async () => {
    const many = Array.from({ length: 2 * MAX_CHUNK_EVENTS + 1 }, (_, n) => event(String(n)));
    writer.append(source('a'), many, false);
    writer.append(source('a', 'r', null), [event('done')], false);
    writer.append(source('a', null, null), [event('state')], false);
    writer.append(source('a', null, null), [event('large')], false);
    await writer.drained('a');
    expect(written('a')).toEqual([...namesOf({ events: many }), 'done', 'state', 'large']);
    expect(log.appends.flat().map(({ events }) => events.length)).toEqual([1_000, 1_000, 1, 1, 2]);
  });

  it('lets threads take turns, so that a busy thread does not delay others', async () => {
    for (let lease = 0; lease < 10; lease += 1) {
      writer.append(source('busy', 'r', String(lease)), [event('1')], false);
    }
    write('other', '1');
    await writer.drained('other');
    expect(written('busy')).toHaveLength(1);
  });

  it('batches lazy events with others, but only for a short time', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    writer.append(source('a'), [event('lazy')], true);
    jest.advanceTimersByTime(99);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.appends).toEqual([]);
    jest.advanceTimersByTime(1);
    jest.useRealTimers();
    await writer.drained('a');
    writer.append(source('a'), [event('lazy')], true);
    write('b', 'prompt');
    await writer.drained('b');
    expect(log.appends.map((chunks) => chunks.map(({ thread_id }) => thread_id))).toEqual([['a'], ['a', 'b']]);
  });

  it('retries until the log is available, and repeats no event that was written', async () => {
    log.isUnavailable = true;
    write('a', '1');
    while (log.appends.length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    write('a', '2');
    log.isUnavailable = false;
    log.losesResponse = true;
    await writer.drained('a');
    expect(written('a')).toEqual(['1', '2']);
    expect(logged).toEqual([
      { names: ['1'], seq: 0 },
      { names: ['2'], seq: 1 },
    ]);
  });

  it('drops a chunk that the log rejects permanently, and no other', async () => {
    log.isPoison = ({ thread_id }) => thread_id === 'b';
    write('a', '1');
    write('b', '1');
    write('c', '1');
    await Promise.all(['a', 'b', 'c'].map((thread_id) => writer.drained(thread_id)));
    expect(['a', 'b', 'c'].map(written)).toEqual([['1'], [], ['1']]);
    expect(logged).toContainEqual({ names: ['1'], seq: undefined });
  });

  it('reports a rejected chunk', async () => {
    log.isRefused = ({ lease_token }) => lease_token === 'l';
    write('a', '1');
    await writer.drained('a');
    expect(logged).toEqual([{ names: ['1'], seq: undefined }]);
  });

  it('is drained when the events so far are written, regardless of later ones', async () => {
    const gate = newGate();
    write('a', '1');
    const drained = writer.drained('a');
    await drained;
    log.gate = () => gate.opened;
    write('a', '2');
    expect(await Promise.race([writer.drained('a').then(() => 'drained'), Promise.resolve('waiting')])).toBe('waiting');
    await writer.drained('nothing to write');
    gate.open();
    await writer.drained('a');
    expect(written('a')).toEqual(['1', '2']);
  });

  it('writes the remaining events when stopped, and does not wait for an unavailable log', async () => {
    writer.append(source('a'), [event('lazy')], true);
    await writer.stop();
    expect(written('a')).toEqual(['lazy']);

    log.isUnavailable = true;
    writer = new LogWriter(log, () => undefined);
    write('a', '1');
    writer.append(source('a', 'other'), [event('2')], false);
    const drained = Promise.all([writer.drained('a'), writer.drained('b')]);
    await writer.stop();
    await drained;
    expect(written('a')).toEqual(['lazy']);
  });
});
