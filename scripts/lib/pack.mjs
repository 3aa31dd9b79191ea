// Packs this repository as npm publishes it.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAX_OUTPUT = 64 * 1024 * 1024;

const run = promisify(execFile);

/** Writes the tarball into a folder. Returns its path and the names of its files. */
export async function packNestgraph(folder) {
  await run(process.execPath, ['scripts/build-if-stale.mjs'], { cwd: ROOT });
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: ROOT, maxBuffer: MAX_OUTPUT });
  const parsed = JSON.parse(stdout);
  const { filename, files } = Array.isArray(parsed) ? parsed[0] : Object.values(parsed)[0];
  return { tarball: path.join(folder, path.basename(filename)), files: files.map((file) => file.path) };
}
