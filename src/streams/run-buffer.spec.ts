import { beforeEach, describe, expect, it } from '@jest/globals';
import { RunBuffer } from './run-buffer.js';
import { StreamMovedError, type StreamReader } from './stream-event.js';

const names = async (reader: StreamReader): Promise<string[]> => {
  const seen: string[] = [];
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    seen.push(...next.value.map(({ event }) => event));
  }
  return seen;
};

describe('RunBuffer', () => {
  let buffer: RunBuffer;
  beforeEach(() => {
    buffer = new RunBuffer('r');
  });

  it('returns all events to every reader, including earlier ones', async () => {
    buffer.append('a', '1');
    const early = names(buffer.read({ from: 'start' }));
    buffer.append('b', '2');
    const late = names(buffer.read({ from: 'start' }));
    buffer.append('c', '3');
    buffer.close();
    expect(await early).toEqual(['a', 'b', 'c']);
    expect(await late).toEqual(['a', 'b', 'c']);
    expect(await names(buffer.read({ from: 'start' }))).toEqual(['a', 'b', 'c']);
  });

  it('starts right after the last event that a reader has seen', async () => {
    ['a', 'b', 'c'].forEach((name) => buffer.append(name, '0'));
    buffer.close();
    expect(await names(buffer.read({ from: 'after', seq: 0 }))).toEqual(['b', 'c']);
    expect(await names(buffer.read({ from: 'after', seq: 2 }))).toEqual([]);
    expect(await names(buffer.read({ from: 'after', seq: 99 }))).toEqual(['a', 'b', 'c']);
    expect(await names(buffer.read({ from: 'now' }))).toEqual([]);
  });

  it('reports a gap to a reader that was too slow', async () => {
    buffer.append('a', '0');
    const reader = buffer.read({ from: 'start' });
    await reader.next();
    for (let i = 0; i < 30_000; i += 1) {
      buffer.append('token', '0');
    }
    const { value } = await reader.next();
    expect(JSON.parse(value![0].json)).toMatchObject({ error: 'StreamGap' });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    expect(buffer.kept()[0]).toMatchObject({ event: 'error', json: expect.stringContaining('StreamGap') });
  });

  it('returns limited batches to a late reader, so that a slow client holds no copy of the rest', async () => {
    for (let i = 0; i < 10; i += 1) {
      buffer.append('large', `"${'x'.repeat(300_000)}"`);
    }
    const reader = buffer.read({ from: 'start' });
    expect((await reader.next()).value).toHaveLength(4);
    buffer.close();
    expect(await names(reader)).toHaveLength(6);
  });

  it('ends a pending read when the client disconnects', async () => {
    const reader = buffer.read({ from: 'start' });
    const pending = reader.next();
    reader.return();
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it('disconnects its readers after the buffered events when the run continues in another process', async () => {
    const reader = buffer.read({ from: 'start' });
    buffer.append('a', '0');
    buffer.disconnect();
    expect((await reader.next()).value).toMatchObject([{ event: 'a' }]);
    await expect(reader.next()).rejects.toThrow(StreamMovedError);
  });
});
