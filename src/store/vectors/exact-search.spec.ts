import { describe, expect, it } from '@jest/globals';
import { rangeBelow } from '../namespace.js';
import { ExactSearch, type VectorPage } from './exact-search.js';

type Row = [item_id: number, version: number, namespace: string, vector: number[]];

const pageOf = (rows: Row[]): VectorPage => ({
  item_ids: Float64Array.from(rows, ([item_id]) => item_id),
  versions: Float64Array.from(rows, ([, version]) => version),
  namespaces: rows.map(([, , namespace]) => namespace),
  vectors: Float32Array.from(rows.flatMap(([, , , vector]) => vector)),
});

const searchOf = (rows: Row[]): ExactSearch => {
  const search = new ExactSearch(2);
  search.add(pageOf(rows));
  return search;
};

const EAST = Float32Array.of(1, 0);

const idsOf = (search: ExactSearch, count = 10, prefix: string[] = [], among?: number[]): number[] => {
  const [from, to] = rangeBelow(prefix);
  return [...search.rank({ query: EAST, from, to, count, among: among && Float64Array.from(among) }).item_ids];
};

describe('an exact search', () => {
  const ROWS: Row[] = [
    [1, 1, 'a.', [0, 1]],
    [2, 2, 'a.b.', [1, 0]],
    [3, 3, 'ab.', [0.6, 0.8]],
    [4, 4, '🦜.', [-1, 0]],
    [5, 5, '\uffff.', [0.8, 0.6]],
  ];

  it('returns the most similar items first, with their scores', () => {
    const [from, to] = rangeBelow([]);
    const { item_ids, scores, versions } = searchOf(ROWS).rank({ query: EAST, from, to, count: 3 });
    expect([...item_ids]).toEqual([2, 5, 3]);
    expect([...versions]).toEqual([2, 5, 3]);
    expect([...scores].map((score) => score.toFixed(3))).toEqual(['1.000', '0.800', '0.600']);
  });

  it('prefers the item that was put first among equally similar ones', () => {
    expect(idsOf(searchOf([9, 3, 7, 5].map((id) => [id, 1, 'a.', [1, 0]])), 3)).toEqual([3, 5, 7]);
  });

  it('searches within a namespace, in bytewise order', () => {
    const search = searchOf(ROWS);
    expect(idsOf(search, 10, ['a'])).toEqual([2, 1]);
    expect(idsOf(search, 10, ['🦜'])).toEqual([4]);
    expect(idsOf(search, 10, ['\uffff'])).toEqual([5]);
  });

  it('searches among given items only', () => {
    expect(idsOf(searchOf(ROWS), 10, [], [1, 3, 99])).toEqual([3, 1]);
  });

  it('scores an item by its most similar text', () => {
    const search = searchOf([...ROWS, [1, 1, 'a.', [0.9, 0.1]], [1, 1, 'a.', [-1, 0]]]);
    expect(idsOf(search, 2)).toEqual([2, 1]);
  });

  it('keeps the newest version of an item, in whatever order versions arrive', () => {
    const search = searchOf(ROWS);
    search.add(pageOf([[2, 9, 'a.b.', [-1, 0]]]));
    search.add(pageOf([[2, 8, 'a.b.', [1, 0]]]));
    expect(idsOf(search, 1)).toEqual([5]);
    expect(search.size).toBe(5);
  });

  it('removes deleted items and reuses their memory', () => {
    const search = searchOf(ROWS);
    search.keep(Float64Array.of(1, 3));
    expect([idsOf(search), search.size]).toEqual([[3, 1], 2]);
    search.add(pageOf([[6, 6, 'a.', [1, 0]]]));
    expect([idsOf(search), search.size]).toEqual([[6, 3, 1], 3]);
  });

  it('returns the same ranking as sorting all items', () => {
    const random = (
      (state) => () =>
        (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647
    )(7);
    const rows = Array.from({ length: 10_000 }, (_, n): Row => [n, n, 'a.', [random() - 0.5, random() - 0.5]]);
    const sorted = rows
      .map(([id, , , [x]]) => [Math.fround(x), id])
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .map(([, id]) => id);
    expect(idsOf(searchOf(rows), 500)).toEqual(sorted.slice(0, 500));
  });
});
