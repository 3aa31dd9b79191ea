import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { ArrivingText } from './arriving-text.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** The compiled program. */
export const MAIN = path.join(ROOT, 'dist/src/main.js');

/** The graphs of the tests. */
export const TEST_PROJECT = path.join(ROOT, 'test/graphs');

export interface ServerOptions {
  /** Default: the embedded database of the project. */
  database?: { uri: string };
  /** Folder with a langgraph.json. */
  project?: string;
  command?: 'dev' | 'start' | 'worker';
  args?: string[];
  /** Instead of a free port. */
  listen?: string[];
  env?: Record<string, string>;
}

/** A real server process. */
export interface TestServer {
  url: string;
  pid: number;
  /** The output so far. */
  output(): string;
  /** Resolves when the output matches. */
  printed(pattern: RegExp): Promise<void>;
  /** Resolves with the exit code when the process has ended, with null if a signal ended it. */
  exited: Promise<number | null>;
  /** Stops reading the output: closes the pipes. */
  closeLog(): void;
  /** Sends a signal and waits for the end. Returns the exit code, or null if the signal ended the process. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `nestgraph dev` (or another command) and waits for its start message. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const program = launch(options);
  const ready = options.command === 'worker' ? /Nestgraph worker/ : /API {5}(\S+)/;
  await Promise.race([program.printed(ready), program.exited.then(() => Promise.reject(new Error(program.output())))]);
  return {
    url: ready.exec(program.output())?.[1] ?? '',
    pid: program.child.pid!,
    output: program.output,
    printed: program.printed,
    exited: program.exited,
    closeLog: () => [program.child.stdout!, program.child.stderr!].forEach((stream) => stream.destroy()),
    stop: async (signal = 'SIGTERM') => {
      program.child.kill(signal);
      return program.exited;
    },
  };
}

/** Runs a command to completion. */
export async function runToEnd(
  args: string[],
  options: ServerOptions = {},
): Promise<{ code: number | null; output: string }> {
  const program = launch({ ...options, args }, []);
  return { code: await program.exited, output: program.output() };
}

/** Ends all running servers: for `afterAll`, in case a test failed before it stopped its server. */
export async function killLeftovers(): Promise<void> {
  await Promise.all([...running].map((child) => (child.kill('SIGKILL'), once(child, 'close'))));
}

const running = new Set<ChildProcess>();

function launch(
  { database, project = TEST_PROJECT, command = 'dev', args = [], listen, env = {} }: ServerOptions,
  before?: string[],
) {
  listen ??= command === 'worker' ? [] : ['--port', '0'];
  const child = spawn(process.execPath, [MAIN, ...(before ?? [command, ...listen]), ...args], {
    cwd: project,
    env: { ...inherited(), ...PATIENT, ...(database && { DATABASE_URI: database.uri }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watch(child);
}

/** A busy machine may need longer to derive schemas than a client would wait. */
const PATIENT = { LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: '100000' };

/** What a shell would hand on, without what belongs to the test runner. */
function inherited(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, JEST_WORKER_ID: _worker, NODE_ENV: _env, ...rest } = process.env;
  return rest;
}

function watch(child: ChildProcess) {
  const output = new ArrivingText();
  [child.stdout!, child.stderr!].forEach((stream) => output.readFrom(stream));
  running.add(child);
  const exited = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const printed = (pattern: RegExp): Promise<void> => output.until(pattern);
  return { child, exited, printed, output: () => output.text };
}
