import { describe, expect, it } from '@jest/globals';
import { callerKeyOf } from '../queue/caller-key.js';
import { SlotShares } from './slot-shares.js';

const [ALICE, BOB] = ['alice', 'bob'].map(callerKeyOf);
const AT = new Date('2026-01-01T12:00:00Z');
const shares = (slots = 10, slot_share = 0.8, weights = {}): SlotShares =>
  new SlotShares(slots, { slot_share, weights });

describe('the slots of a process', () => {
  it.each([
    [10, 0.8, 2],
    [10, 0.75, 3],
    [10, 1, 0],
    [10, 0.01, 9],
    [4, 0.8, 1],
    [2, 0.8, 1],
    [1, 0.8, 0],
    [0, 0.8, 0],
  ])('%d with a share of %d keep a reserve of %d', (slots, share, reserve) => {
    expect(shares(slots, share).reserve).toBe(reserve);
  });

  it('go to one caller, except for the reserve, from which other callers get their first run', () => {
    const of = shares();
    let free = 10;
    while (of.mayTake(ALICE, free)) {
      of.take(ALICE);
      free -= 1;
    }
    expect(free).toBe(2);
    expect(of.mayTake(BOB, free)).toBe(true);
    of.take(BOB);
    expect(of.mayTake(BOB, 1)).toBe(false);
    of.release(BOB);
    expect(of.mayTake(BOB, 2)).toBe(true);
    expect(of.mayTake(ALICE, 2)).toBe(false);
  });

  it('are counted for each caller, and not listed once a caller has none', () => {
    const of = shares();
    [ALICE, ALICE, BOB].forEach((key) => of.take(key));
    of.release(BOB);
    expect(of.terms().standings).toEqual([{ caller_key: ALICE, running: 2, served_at: null, weight: 1 }]);
  });

  it('are given in turns, each with as many slots as the weight of its caller', () => {
    const of = shares(10, 0.8, { alice: 2 });
    const servedAt = (key: string) => of.terms().standings.find(({ caller_key }) => caller_key === key)?.served_at;
    of.note([ALICE, BOB], AT, null);
    expect([servedAt(ALICE), servedAt(BOB)]).toEqual([null, AT]);
    of.note([ALICE], AT, null);
    expect(servedAt(ALICE)).toEqual(AT);
  });

  it('are offered next after the caller that was served last, or after the end of the last window', () => {
    const of = shares();
    of.note([ALICE, BOB], AT, 'end');
    expect(of.terms().after).toBe(BOB);
    of.note([], AT, 'end');
    expect(of.terms().after).toBe('end');
    of.note([], AT, null);
    expect(of.terms().after).toBe('end');
  });

  it('keep the turns of a limited number of callers', () => {
    const of = shares();
    of.note(
      Array.from({ length: 1_000 }, (_, index) => callerKeyOf(String(index))),
      AT,
      null,
    );
    expect(of.terms().standings).toHaveLength(200);
  });
});
