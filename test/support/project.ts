import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runToEnd, type ServerOptions, startServer, TEST_PROJECT, type TestServer } from './server.js';
import { askUntil } from './until.js';

/** A user's project in a temporary folder, without node_modules: graphs use the LangGraph of the server. */
export interface Project {
  folder: string;
  /** Writes a file; an object becomes JSON. */
  write(file: string, content: string | object): Promise<void>;
  /** Starts `nestgraph` in the folder. */
  start(options?: ServerOptions): Promise<TestServer>;
  /** Runs a command to completion. */
  run(args: string[], options?: ServerOptions): Promise<{ code: number | null; output: string }>;
  /** Process ids of the PostgreSQL server with its data in the folder. */
  postgres: () => Promise<number[]>;
  /** Resolves once that PostgreSQL has ended. */
  noPostgres: () => Promise<number[]>;
  /** Stops a database that is still running and deletes the folder. */
  remove(): Promise<void>;
}

/** A new project with these files. `graphs` are copied from test/graphs and listed in its langgraph.json. */
export async function createProject({
  graphs = [],
  files = {},
}: { graphs?: string[]; files?: Record<string, string | object> } = {}): Promise<Project> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'nestgraph-project-')));
  // PostgreSQL does not run as root: its account must be able to enter the folder.
  await chmod(folder, 0o755);
  const write = async (file: string, content: string | object): Promise<void> => {
    const target = path.join(folder, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  };
  for (const graph of graphs) {
    await copyFile(path.join(TEST_PROJECT, graph), path.join(folder, graph));
  }
  const specs = graphs.map((graph) => [path.parse(graph).name, `./${graph}:graph`]);
  await write('package.json', { private: true, type: 'module' });
  await write('langgraph.json', { graphs: Object.fromEntries(specs) as object });
  for (const [file, content] of Object.entries(files)) {
    await write(file, content);
  }
  const postgres = (): Promise<number[]> => postgresOf(path.join(folder, '.nestgraph'));
  return {
    folder,
    write,
    start: (options) => startServer({ ...options, project: folder }),
    run: (args, options) => runToEnd(args, { ...options, project: folder }),
    postgres,
    noPostgres: () => askUntil(postgres, (pids) => pids.length === 0),
    remove: async () => {
      for (const pid of await postgres()) {
        killIfThere(pid);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Finds the processes by the data directory in the command line of PostgreSQL, which is also their working directory. */
export async function postgresOf(directory: string): Promise<number[]> {
  if (!existsSync('/proc/self')) {
    throw new Error('This test needs /proc to find processes.');
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return command.includes('postgres') && (command.includes(directory) || folder.startsWith(directory));
    }),
  );
  return pids.filter((_, index) => found[index]).map(Number);
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has already ended.
  }
}
