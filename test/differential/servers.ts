import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createDatabase } from '../support/database.js';
import { startServer } from '../support/server.js';

const HERE = import.meta.dirname;

/** A server on which the scenarios run. */
export interface Server {
  name: string;
  url: string;
  /** The output of the server so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Both servers use a fake LangSmith, and trace nothing. */
export const environment = (langsmith: string): Record<string, string> => ({
  LANGSMITH_ENDPOINT: langsmith,
  LANGSMITH_API_KEY: 'key',
  LANGSMITH_TRACING: 'false',
  LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: '120000',
  LANGGRAPH_CONFIG: JSON.stringify({
    settings: { configurable: { origin: 'environment' }, context: { place: 'here' } },
  }),
});

/** The official server, in memory. The files in its folder are deleted. */
export async function startTheirs(env: Record<string, string>): Promise<Server> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'nestgraph-official-'));
  const { NODE_OPTIONS: _options, JEST_WORKER_ID: _worker, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'official.mjs', folder], {
    cwd: HERE,
    env: { ...inherited, NODE_ENV: 'development', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const address = /^Listens at (\S+)$/m.exec(output)?.[1];
        if (address) {
          resolve(address);
        }
      });
    }
    void exited.then(() => reject(new Error(output)));
  });
  return {
    name: 'the official server',
    url,
    output: () => output,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

export async function startOurs(env: Record<string, string>): Promise<Server> {
  const database = await createDatabase();
  const server = await startServer({
    project: HERE,
    database,
    args: ['--no-reload'],
    env: { ...env, NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true', N_JOBS_PER_WORKER: '40' },
  });
  return {
    name: 'ours',
    url: server.url,
    output: () => server.output(),
    stop: async () => {
      await server.stop();
      await database.drop();
    },
  };
}
