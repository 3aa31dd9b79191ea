import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '..');

interface List {
  topics: { title: string; differences: { here: string; there: string; why: string; seen: object[] }[] }[];
}
const { topics } = JSON.parse(readFileSync(path.join(ROOT, 'test/differential/differences.json'), 'utf8')) as List;

describe('docs/differences.md', () => {
  it('is made from the list of explained differences: npm run differences', () => {
    const made = execFileSync(process.execPath, [path.join(ROOT, 'scripts/differences.mjs')], { encoding: 'utf8' });

    expect(readFileSync(path.join(ROOT, 'docs/differences.md'), 'utf8')).toBe(made);
  });

  it('tells each difference once, in sentences, with its reason', () => {
    const all = topics.flatMap(({ differences }) => differences);
    const sentence = expect.stringMatching(/^[A-Z`][^|]*[.]$/);

    for (const { seen, ...texts } of all) {
      expect([...Object.entries(texts), ['seen', seen.length > 0]]).toEqual(
        expect.arrayContaining([
          ['here', sentence],
          ['there', sentence],
          ['why', sentence],
          ['seen', true],
        ]),
      );
    }
    expect(new Set(all.map(({ here }) => here)).size).toBe(all.length);
  });
});
