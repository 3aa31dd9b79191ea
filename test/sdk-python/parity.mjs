import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { environmentOf, NotReadyError, VERSIONS } from './environments.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Records what each version may send, and compares it with our DTOs. Gives the numbers of tests that passed and failed. */
export function testParity() {
  const begin = Date.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-recordings-'));
  const report = path.join(os.tmpdir(), `${path.basename(folder)}.json`);
  try {
    VERSIONS.forEach((version) => writeFileSync(path.join(folder, `${version}.json`), record(version)));
    const jest = [
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      '--config',
      'test/parity/jest.config.js',
    ];
    const env = { ...process.env, NESTGRAPH_RECORDINGS: folder };
    const args = [...jest, '--json', `--outputFile=${report}`];
    const { status } = spawnSync('node', args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    return { name: 'parameters', ...countsOf(report, status), seconds: Math.round((Date.now() - begin) / 1000) };
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(report, { force: true });
  }
}

function record(version) {
  const script = path.join(ROOT, 'test/parity/record.py');
  const { status, stdout, stderr } = spawnSync(environmentOf(version), ['-W', 'ignore', script], {
    encoding: 'utf8',
    maxBuffer: Infinity,
  });
  if (status !== 0) {
    throw new NotReadyError(`The requests of ${version} could not be recorded:\n${stderr}`);
  }
  return stdout;
}

function countsOf(report, status) {
  const { numPassedTests = 0, numFailedTests = 0 } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  return { passed: numPassedTests, failed: Math.max(numFailedTests, status === 0 ? 0 : 1) };
}
