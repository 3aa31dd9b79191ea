import { describe, expect, it } from '@jest/globals';
import { compare, replacePlaces } from './compare.js';

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

describe('comparing transcripts', () => {
  it('finds nothing where only ids and dates differ', () => {
    const theirs = { thread: id(1), run: `/threads/${id(1)}/runs/${id(2)}`, at: '2026-01-01T00:00:00.000Z' };
    const ours = { thread: id(8), run: `/threads/${id(8)}/runs/${id(9)}`, at: '2026-02-03T04:05:06.789Z' };

    expect(compare(theirs, ours)).toEqual([]);
  });

  it('finds an id that only one server repeats', () => {
    expect(compare({ a: id(1), b: id(1) }, { a: id(1), b: id(2) })).toEqual([
      { path: 'b', theirs: '<id 1>', ours: '<id 2>' },
    ]);
    expect(compare({ a: id(1), b: id(2) }, { a: id(1), b: id(1) })).toEqual([
      { path: 'b', theirs: '<id 2>', ours: '<id 1>' },
    ]);
  });

  it('keeps the names of ids after a value that only one server has', () => {
    expect(compare({ extra: { id: id(1) }, id: id(1) }, { id: id(7) })).toEqual([
      { path: 'extra', theirs: { id: '<id 1>' }, ours: undefined },
    ]);
  });

  it('recognizes the ids of interrupts, but no longer strings of the same kind', () => {
    const interrupt = 'a'.repeat(32);

    expect(compare([interrupt], ['b'.repeat(32)])).toEqual([]);
    expect(compare(['a'.repeat(33)], ['b'.repeat(33)])).toHaveLength(1);
  });

  it('finds dates in another format', () => {
    expect(compare('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000000+00:00')).toHaveLength(1);
  });

  it('pairs members whose names are ids by their values', () => {
    expect(compare({ [id(1)]: 'x', [id(2)]: 'y' }, { [id(8)]: 'y', [id(9)]: 'x' })).toEqual([]);
  });

  it('pairs other members whose names are ids by order', () => {
    expect(compare({ [id(1)]: 'x', [id(2)]: 'y' }, { [id(8)]: 'x', [id(9)]: 'z' })).toEqual([
      { path: '<id 2>', theirs: 'y', ours: 'z' },
    ]);
  });

  it('distinguishes null, an empty list, an empty object and a missing value', () => {
    const values = [null, [], {}, undefined, '', 0, false];

    for (const [i, theirs] of values.entries()) {
      expect(values.map((ours) => compare({ theirs }, { theirs: ours }).length)).toEqual(
        values.map((_, j) => (i === j ? 0 : 1)),
      );
    }
  });

  it('compares the events after one that only one server sends', () => {
    const event = (name: string, data: unknown) => ({ event: name, data });
    const theirs = [event('metadata', 1), event('checkpoints', 2), event('values', 3), event('values', 4)];
    const ours = [event('metadata', 1), event('values', 3), event('values', 5), event('error', 6)];

    expect(compare(theirs, ours)).toEqual([
      { path: '1', theirs: theirs[1], ours: undefined },
      { path: '3.data', theirs: 4, ours: 5 },
      { path: '4', theirs: undefined, ours: ours[3] },
    ]);
  });

  it('compares lists position by position', () => {
    expect(compare(['a', 'b'], ['b'])).toEqual([
      { path: '0', theirs: 'a', ours: 'b' },
      { path: '1', theirs: 'b', ours: undefined },
    ]);
  });
});

it('replaces places at any position', () => {
  expect(
    replacePlaces({ at: ['http://h:1/x'], 'h:1': 1 }, [
      ['http://h:1', '<server>'],
      ['h:1', '<host>'],
    ]),
  ).toEqual({
    at: ['<server>/x'],
    '<host>': 1,
  });
});
