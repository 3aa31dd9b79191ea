// The versions of Node that the suites run on, each installed by npm from the packages of its official binaries.
// node scripts/lib/nodes.mjs    prints the folder of the recommended version
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache/nestgraph/nodes');

/** The oldest version of each line that Nestgraph and its packages allow, and the newest that was tested. */
export const NODES = [
  { oldest: '20.19.0', newest: '20.20.2' },
  { oldest: '22.13.0', newest: '22.23.5' },
  { oldest: '24.11.0', newest: '24.22.3' },
];

const run = promisify(execFile);

/** The newest of the line that the README recommends; most suites of the pipeline run on it. */
export const RECOMMENDED = NODES[2].newest;

/** Installs a version once and returns the folder of its program, to be put first in PATH. */
export async function nodeFolder(version) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const home = path.join(CACHE, version);
  const folder = path.join(home, 'node_modules', name, 'bin');
  if (!existsSync(folder)) {
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', home, `${name}@${version}`]);
  }
  return folder;
}

if (process.argv[1] === import.meta.filename) {
  console.log(await nodeFolder(RECOMMENDED));
}
