import { syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';
import workerThreads, { type WorkerOptions } from 'node:worker_threads';
import { sourceFile } from './source-file.js';

/**
 * Worker threads and forked processes that a project starts from its sources compile TypeScript, too: they load tsx first, as
 * under the official server. Ours, and those of packages, are left alone. On Node 20 the entry of a worker thread has to be
 * JavaScript, there as here.
 */
export function compileInWorkers(): void {
  const tsx = import.meta.resolve('tsx');
  // What `fork` starts inherits these.
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
