import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { VARIABLES } from '../src/config/env.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const page = readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8');

describe('docs/configuration.md', () => {
  it('is made from src/config: npm run configuration', () => {
    const made = execFileSync(process.execPath, [path.join(ROOT, 'scripts/configuration.mjs')], { encoding: 'utf8' });

    expect(page).toBe(made);
  });

  it('lists every variable that the environment has, each in one row', () => {
    const names = Object.keys(VARIABLES.shape);
    const rows = [...page.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, name]) => name);

    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => rows.filter((row) => row === name).length !== 1)).toEqual([]);
  });

  it('has a sentence in every row', () => {
    const [, environment] = page.split('## Environment');
    const rows = [...environment.split('### Read by others')[0].matchAll(/^\| `[A-Z].*\|$/gm)].map(([row]) => row);

    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => !/ \| [A-Z`].*\. \|$/.test(row))).toEqual([]);
  });
});
