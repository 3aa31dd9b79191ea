import { syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';
import workerThreads, { type WorkerOptions } from 'node:worker_threads';
import { sourceFile } from './source-file.js';

/**
 * Lets worker threads and forked processes of a project compile TypeScript: they load tsx first, as under the official
 * server. Worker threads of Nestgraph and of packages are not changed. On Node 20 the entry of a worker thread must be
 * JavaScript, as under the official server.
 */
export function compileInWorkers(): void {
  const tsx = import.meta.resolve('tsx');
  // Forked processes inherit execArgv.
  process.execArgv.push('--import', tsx);
  const { Worker } = workerThreads;
  workerThreads.Worker = class extends Worker {
    constructor(entry: string | URL, options: WorkerOptions = {}) {
      super(entry, isProjectEntry(entry, options) ? withImport(tsx, options) : options);
    }
  };
  syncBuiltinESMExports();
}

function isProjectEntry(entry: string | URL, { eval: isCode }: WorkerOptions): boolean {
  return !isCode && sourceFile(entry instanceof URL ? entry.href : pathToFileURL(entry).href) !== undefined;
}

const withImport = (tsx: string, { execArgv = [], ...options }: WorkerOptions): WorkerOptions => ({
  ...options,
  execArgv: [...execArgv, '--import', tsx],
});
