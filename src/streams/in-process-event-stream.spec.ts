import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunStreamReader } from './event-stream.js';
import { InProcessEventStream } from './in-process-event-stream.js';

const names = async (reader: RunStreamReader | undefined): Promise<string[]> => {
  const seen: string[] = [];
  for (let next = await reader!.next(); !next.done; next = await reader!.next()) {
    seen.push(...next.value.map(({ event }) => event));
  }
  return seen;
};

describe('InProcessEventStream', () => {
  let stream: InProcessEventStream;
  beforeEach(() => {
    stream = new InProcessEventStream();
  });
  afterEach(() => stream.onApplicationShutdown());

  it('gives every reader all events, also those that came before it', async () => {
    const writer = stream.open({ run_id: 'r', resumable: true });
    writer.append('a', '1');
    const early = names(stream.read('r', { from: 'start' }));
    writer.append('b', '2');
    const late = names(stream.read('r', { from: 'start' }));
    writer.append('c', '3');
    writer.close();
    expect(await early).toEqual(['a', 'b', 'c']);
    expect(await late).toEqual(['a', 'b', 'c']);
    expect(await names(stream.read('r', { from: 'start' }))).toEqual(['a', 'b', 'c']);
  });

  it('begins strictly after the last event a reader has seen', async () => {
    const writer = stream.open({ run_id: 'r', resumable: true });
    for (const name of ['a', 'b', 'c']) {
      writer.append(name, '0');
    }
    writer.close();
    expect(await names(stream.read('r', { from: 'after', seq: 0 }))).toEqual(['b', 'c']);
    expect(await names(stream.read('r', { from: 'after', seq: 2 }))).toEqual([]);
    expect(await names(stream.read('r', { from: 'after', seq: -1 }))).toEqual(['a', 'b', 'c']);
    expect(await names(stream.read('r', { from: 'after', seq: 99 }))).toEqual(['a', 'b', 'c']);
  });

  it('gives the first reader who joins everything and the second one what is new', async () => {
    const writer = stream.open({ run_id: 'r', resumable: false });
    writer.append('a', '0');
    const first = names(stream.read('r', { from: 'join' }));
    const second = names(stream.read('r', { from: 'join' }));
    writer.append('b', '0');
    writer.close();
    expect(await first).toEqual(['a', 'b']);
    expect(await second).toEqual(['b']);
  });

  it('keeps what a run has streamed when somebody opens its stream after its end', async () => {
    const writer = stream.open({ run_id: 'r', resumable: true });
    writer.append('a', '1');
    writer.close();
    stream.open({ run_id: 'r', resumable: true }).append('late', '2');
    expect(await names(stream.read('r', { from: 'start' }))).toEqual(['a']);
  });

  it('tells a reader that was too slow about the hole instead of hiding it', async () => {
    const writer = stream.open({ run_id: 'r', resumable: false });
    writer.append('a', '0');
    const reader = stream.read('r', { from: 'start' })!;
    await reader.next();
    for (let i = 0; i < 30_000; i += 1) {
      writer.append('token', '0');
    }
    const { value } = await reader.next();
    expect(JSON.parse(value![0].json)).toMatchObject({ error: 'StreamGap' });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it('ends a pending read when the reader leaves', async () => {
    stream.open({ run_id: 'r', resumable: false });
    const reader = stream.read('r', { from: 'start' })!;
    const pending = reader.next();
    expect(stream.hasReaders('r')).toBe(true);
    reader.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(stream.hasReaders('r')).toBe(false);
  });
});
