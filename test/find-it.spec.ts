import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Lines that an editor shows without scrolling. */
const SCREEN = 50;

/** The rows of "Find it": term, folder and deciding file. */
const rows = [
  ...read('docs/architecture.md').matchAll(/^\| `([^`]+)` +\| `(src[^`]*)` +\| `(src[^`]+\.ts)` +\|$/gm),
].map(([, term, folder, file]) => [term, folder, file] as const);

const filesIn = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();

/** Files whose name contains the term as a word; without any, those whose content contains it. */
function search(term: string, folder: string): string[] {
  const word = new RegExp(`(^|[-.])${term}([-.]|$)`);
  const files = filesIn(folder);
  const named = files.filter((file) => word.test(path.posix.basename(file)));
  return named.length > 0 ? named : files.filter((file) => read(file).toLowerCase().includes(term));
}

it('the table has rows', () => {
  expect(rows.length).toBeGreaterThan(10);
});

it.each(rows)('a search for %s in %s leads to %s', (term, folder, file) => {
  const firstScreen = read(file).split('\n').slice(0, SCREEN).join('\n').toLowerCase();

  expect(search(term, folder).slice(0, 2)).toContain(file);
  expect(`${file}\n${firstScreen}`).toContain(term);
});
