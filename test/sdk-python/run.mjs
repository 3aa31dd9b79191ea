// Tests the server with each version of the Python SDK: npm run test:sdk-python [-- [--only VERSION] PYTEST_ARGUMENT...]
// --outputFile=FILE writes the numbers of tests that passed and failed, named as jest names them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { environmentOf, NotReadyError, sdkVersionOf, VERSIONS } from './environments.mjs';
import { testParity } from './parity.mjs';

const { only, outputFile, pytestArguments } = readArguments(process.argv.slice(2));
const ownResults = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-results-'));
const resultsFolder = path.resolve(process.env.NESTGRAPH_RESULTS || ownResults);

let running;
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, stop);
}
// npm hands SIGTERM to the shell between us, which ends without a word to us.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stop(), 500).unref();

const summaries = [];
for (const version of only ? [only] : VERSIONS) {
  if (!isStopped) {
    summaries.push(await testVersion(version));
  }
}
// What they may send is asked of both, and of nothing that they do.
if (!isStopped && !only && pytestArguments.length === 0) {
  summaries.push(orFailure('parameters', testParity));
}
rmSync(ownResults, { recursive: true, force: true });
report();

function stop() {
  if (!isStopped) {
    isStopped = true;
    // It stops its servers.
    running?.kill('SIGINT');
  }
}

/** The tests with one version. */
async function testVersion(version) {
  const python = orFailure(version, () => environmentOf(version));
  if (typeof python !== 'string') {
    return python;
  }
  const name = version === sdkVersionOf(python) ? version : `${version}, ${sdkVersionOf(python)}`;
  console.log(`\nPython SDK ${name}`);
  rmSync(resultsOf(version), { force: true });
  const begin = Date.now();
  const code = await runPytest(python);
  return { name, ...countsOf(version, code), seconds: Math.round((Date.now() - begin) / 1000) };
}

/** What keeps tests from running counts as a failure. */
function orFailure(name, begin) {
  try {
    return begin();
  } catch (error) {
    if (error instanceof NotReadyError) {
      console.error(error.message);
      return { name, passed: 0, failed: 1, seconds: 0 };
    }
    throw error;
  }
}

/** In a process group of its own: nothing that it has started survives it, and Ctrl-C reaches it once, through us. */
async function runPytest(python) {
  running = spawn(python, ['-m', 'pytest', ...pytestArguments], {
    cwd: import.meta.dirname,
    detached: process.platform !== 'win32',
    env: { ...process.env, NODE: process.execPath, NESTGRAPH_RESULTS: resultsFolder, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(running, 'close');
  if (process.platform !== 'win32') {
    killGroup(running.pid);
  }
  running = undefined;
  return code;
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is empty: everything has been stopped.
  }
}

function resultsOf(version) {
  return path.join(resultsFolder, `python-${version}.json`);
}

/** As the tests themselves have written them down; a suite that ended badly has at least one failure. */
function countsOf(version, code) {
  const file = resultsOf(version);
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  const passed = results.filter((test) => test.passed).length;
  return { passed, failed: Math.max(results.length - passed, code === 0 ? 0 : 1) };
}

function report() {
  const total = (count) => summaries.reduce((sum, summary) => sum + summary[count], 0);
  console.log();
  for (const { name, passed, failed, seconds } of summaries) {
    console.log(`Python SDK ${name}: ${passed} passed, ${failed} failed in ${seconds} s`);
  }
  if (outputFile) {
    const counts = { numPassedTests: total('passed'), numFailedTests: total('failed'), numRuntimeErrorTestSuites: 0 };
    writeFileSync(outputFile, JSON.stringify(counts));
  }
  process.exitCode = isStopped ? 130 : Math.min(total('failed'), 1);
}

/** Everything that is not ours is pytest's. `--json` is what jest needs to be told for an output file. */
function readArguments(args) {
  const ours = { pytestArguments: [] };
  for (let rest = args; rest.length > 0;) {
    const [first, ...others] = rest;
    if (first === '--only') {
      ours.only = others.shift();
    } else if (first.startsWith('--outputFile=')) {
      ours.outputFile = first.slice('--outputFile='.length);
    } else if (first !== '--json') {
      ours.pytestArguments.push(first);
    }
    rest = others;
  }
  if (ours.only && !VERSIONS.includes(ours.only)) {
    console.error(`--only takes one of ${VERSIONS.join(', ')}.`);
    process.exit(1);
  }
  return ours;
}
