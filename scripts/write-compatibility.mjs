// Runs the test suites of the SDKs and writes docs/compatibility.md from their results.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const SUITES = ['test', 'test:sdk-python', 'test:browser'];

const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-results-'));
const run = (command, args) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, NESTGRAPH_RESULTS: folder } }).status === 0;

try {
  const passed = SUITES.every((suite) => run('npm', ['run', suite]));
  const written = passed && run('node', ['test/compatibility/generate.mjs', folder]);
  process.exitCode = written ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
