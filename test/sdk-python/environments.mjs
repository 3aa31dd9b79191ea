// A virtual environment for each version of the Python SDK. `node environments.mjs newest` makes that one and prints
// the path of its Python.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = import.meta.dirname;
const CACHE = path.resolve(FOLDER, '../../node_modules/.cache/nestgraph/python');

/** Each has a requirements-*.txt. */
export const VERSIONS = ['0.2.9', 'newest'];

const CANDIDATES = ['python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
const WHAT_IT_CAN = 'import ensurepip, sys, venv; print(sys.version_info >= (3, 11), sys.version)';
const WHAT_TO_INSTALL = `These tests need Python 3.11 or newer, with venv and pip. Install it:
  Debian, Ubuntu   apt-get install python3 python3-venv
  macOS            brew install python
  Windows          winget install Python.Python.3.13`;

/** What a person has to do something about; the message says what. */
export class NotReadyError extends Error {}

/** The Python of the environment of a version, which is made when it is not there or its requirements have changed. */
export function environmentOf(version) {
  const base = findPython();
  const folder = path.join(CACHE, version);
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = path.join(folder, 'made-of.txt');
  const wanted = [base.version, 'requirements.txt', `requirements-${version}.txt`].map(contentOf).join('\n');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(CACHE, { recursive: true });
    run(base.command, ['-m', 'venv', folder]);
    pip(python, ['install', '--requirement', path.join(FOLDER, `requirements-${version}.txt`)]);
    writeFileSync(stamp, wanted);
  }
  if (version === 'newest') {
    upgrade(python);
  }
  return python;
}

/** The version of the SDK in an environment. */
export const sdkVersionOf = (python) =>
  run(python, ['-c', 'from importlib.metadata import version; print(version("langgraph-sdk"))']).trim();

function findPython() {
  for (const command of CANDIDATES) {
    const { stdout } = spawnSync(command, ['-c', WHAT_IT_CAN], { encoding: 'utf8' });
    if (stdout?.startsWith('True')) {
      return { command, version: stdout.trim() };
    }
  }
  throw new NotReadyError(WHAT_TO_INSTALL);
}

const contentOf = (name) => (name.endsWith('.txt') ? readFileSync(path.join(FOLDER, name), 'utf8') : name);

/** The index is asked each time what is newest; an environment that cannot be brought up to date is not used. */
function upgrade(python) {
  // Without an index, `pip install --upgrade` is content with what there is.
  const asked = ['install', '--dry-run', '--ignore-installed', '--no-deps', '--report', '-', 'langgraph-sdk'];
  const newest = JSON.parse(pip(python, asked)).install[0].metadata.version;
  if (sdkVersionOf(python) !== newest) {
    pip(python, ['install', `langgraph-sdk==${newest}`]);
  }
  try {
    pip(python, ['check']);
  } catch (error) {
    const advice = 'The newest langgraph-sdk does not go with what requirements-newest.txt pins: raise these versions.';
    throw new NotReadyError(`${advice}\n${error.message}`);
  }
}

const pip = (python, args) => run(python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', ...args]);

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) {
    const line = [command, ...args].join(' ');
    throw new NotReadyError(`${line} failed:\n${error?.message ?? `${stdout}${stderr}`.trim()}`);
  }
  return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(environmentOf(process.argv[2]));
  } catch (error) {
    console.error(error instanceof NotReadyError ? error.message : error);
    process.exitCode = 1;
  }
}
