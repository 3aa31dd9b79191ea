import { describe, expect, it } from '@jest/globals';
import {
  canonicalId,
  canonicalIdList,
  canonicalNamespace,
  canonicalReference,
  withCanonicalIds,
} from './canonical-ids.js';

const UPPER = '0192F0C1-5D6E-7F80-9A1B-2C3D4E5F6071';
const LOWER = UPPER.toLowerCase();

describe('ids', () => {
  it.each([
    [UPPER, LOWER],
    [LOWER, LOWER],
    ['0192f0c1-5D6E-7f80-9A1B-2c3d4e5f6071', LOWER],
    ['Chat', 'Chat'],
    [`{${UPPER}}`, `{${UPPER}}`],
    [`${UPPER} `, `${UPPER} `],
    [7, 7],
    [null, null],
  ])('%j is read as %j', (sent, taken) => {
    expect(canonicalId(sent)).toEqual(taken);
  });

  it('are converted for each item of a list', () => {
    expect([canonicalIdList([UPPER, 'x', 1]), canonicalIdList('x')]).toEqual([[LOWER, 'x', 1], 'x']);
  });
});

it.each([
  ['', ''],
  [`Outer:${UPPER}|Inner:${UPPER}`, `Outer:${LOWER}|Inner:${LOWER}`],
  [`Outer:${UPPER}|1`, `Outer:${LOWER}|1`],
  [`Outer:${UPPER}x`, `Outer:${UPPER}x`],
  ['Outer|Inner', 'Outer|Inner'],
])('the namespace %j is read as %j', (sent, taken) => {
  expect(canonicalNamespace(sent)).toBe(taken);
});

describe('an object', () => {
  it("has canonical ids under the server's own keys, and is otherwise unchanged", () => {
    const value = {
      thread_id: UPPER,
      assistant_id: 'Chat',
      checkpoint_ns: `a:${UPPER}`,
      checkpoint_map: { '': UPPER, [`a:${UPPER}`]: UPPER },
      customer: UPPER,
      nested: { thread_id: UPPER },
    };

    expect(withCanonicalIds(value)).toEqual({
      thread_id: LOWER,
      assistant_id: 'Chat',
      checkpoint_ns: `a:${LOWER}`,
      checkpoint_map: { '': LOWER, [`a:${LOWER}`]: LOWER },
      customer: UPPER,
      nested: { thread_id: UPPER },
    });
    expect(value.thread_id).toBe(UPPER);
  });

  it('without ids is the same object', () => {
    const value = { a: 1 };
    expect(withCanonicalIds(value)).toBe(value);
  });

  it('keeps a key that names the prototype', () => {
    const value = JSON.parse(`{"thread_id":"${UPPER}","__proto__":{"a":1}}`) as object;
    expect(JSON.stringify(withCanonicalIds(value))).toContain('"__proto__":{"a":1}');
  });
});

it.each([
  [UPPER, LOWER],
  [{ checkpoint_id: UPPER }, { checkpoint_id: LOWER }],
  [{ configurable: { checkpoint_id: UPPER } }, { configurable: { checkpoint_id: LOWER } }],
  [{ configurable: null }, { configurable: null }],
])('the reference %j is read as %j', (sent, taken) => {
  expect(canonicalReference(sent)).toEqual(taken);
});
