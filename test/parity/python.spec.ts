import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Recorded } from './recorded.js';
import { Readers } from './unread.js';

/** What record.py has printed in each environment, as `<name>.json`; `npm run test:sdk-python` brings it. */
const FOLDER = process.env.NESTGRAPH_RECORDINGS!;

interface Recordings {
  methods: string[];
  requests: Recorded[];
}

const readers = new Readers('Python');

describe.each(readdirSync(FOLDER))('what the Python SDK sends: %s', (file) => {
  const { methods, requests } = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Recordings;

  it.each(methods)('by %s is read', (name) => {
    const own = requests.filter(({ by }) => by === name);
    expect(own).not.toEqual([]);
    expect(readers.surprisesIn(own)).toEqual([]);
  });
});

it('nothing is excused that no SDK sends any more', () => {
  expect(readers.unnecessaryExcuses()).toEqual([]);
});
