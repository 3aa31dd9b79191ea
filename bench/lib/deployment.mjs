import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.mjs';
import { round } from './figures.mjs';
import { cpuMs, rssMb, treeCpuMs } from './proc.mjs';
import { ServerProcess } from './server-process.mjs';

/** Approximate share of a core that an idle server uses. */
const IDLE_SHARE = 0.05;

/**
 * A server in an empty folder with its own embedded database: one process, or an API process and a worker. Removed with its
 * data at the end.
 */
export class Deployment {
  processes = {};
  /** Log lines of stopped processes at level warn and above. */
  complaints = [];
  #folder = newFolder();
  #env;
  #profiles;

  /** `profiles` is an optional folder for CPU profiles of all processes. */
  constructor({ env = {}, profiles } = {}) {
    this.#env = { LOG_LEVEL: 'warn', BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '2', ...env };
    this.#profiles = profiles;
  }

  get directory() {
    return path.join(this.#folder, 'data');
  }

  /** Starts one process with API and worker. Returns the milliseconds until its first response. */
  startServer(options) {
    return this.#start('server', 'start', options);
  }

  /** Starts a process that serves the API and another one that executes runs. */
  async startApart(options) {
    const api = { ...options, env: { ...options?.env, N_JOBS_PER_WORKER: '0' } };
    await this.#start('api', 'start', api);
    await this.#start('worker', 'worker', options);
  }

  get client() {
    return (this.#client ??= new Client(this.#front.url));
  }
  #client;

  /** The process that serves the API. */
  get #front() {
    return this.processes.server ?? this.processes.api;
  }

  /** CPU milliseconds so far: of each process, of the database, and of the bench itself. */
  cpu() {
    const each = Object.entries(this.processes).map(([name, { pid }]) => [name, cpuMs(pid)]);
    const { user, system } = process.cpuUsage();
    return { ...Object.fromEntries(each), database: treeCpuMs(this.#postmaster), client: (user + system) / 1000 };
  }

  /** Memory of the single process after a garbage collection. */
  async memory() {
    const { heapUsed, external, rss } = await this.#front.ask('memory');
    return { heap_used_after_gc_mb: mb(heapUsed), external_mb: mb(external), rss_mb: mb(rss) };
  }

  /** Starts to measure turns of the event loop in the API process. */
  beginTurns() {
    return this.#front.ask('beginTurns');
  }

  /** The longest turn, in CPU milliseconds. */
  endTurns() {
    return this.#front.ask('endTurns');
  }

  /** Polls the memory. The returned function stops polling and returns the maximum, in MB. */
  watchRss() {
    const { pid } = this.#front;
    let peak = 0;
    const timer = setInterval(() => (peak = Math.max(peak, rssMb(pid))), 20);
    return () => {
      clearInterval(timer);
      return round(peak, 1);
    };
  }

  /** Waits until the server is idle, at most ten seconds. */
  async quiet() {
    for (let second = 0; second < 10; second += 1) {
      const before = cpuMs(this.#front.pid);
      await sleep(1000);
      if (cpuMs(this.#front.pid) - before <= IDLE_SHARE * 1000) {
        return;
      }
    }
  }

  /** Stops the processes and keeps the data. */
  async stopProcesses() {
    await this.#client?.close();
    this.#client = undefined;
    await this.#saveProfiles();
    const all = Object.values(this.processes);
    this.processes = {};
    // The first process has started the database: its CPU time includes that of the database.
    for (const one of all.reverse()) {
      await one.stop();
    }
    this.complaints.push(...all.flatMap((one) => one.complaints()));
  }

  /** Stops the processes and deletes the data. The deployment cannot be started again. */
  remove() {
    return (this.#removed ??= this.#remove());
  }
  #removed;

  async #remove() {
    try {
      await this.stopProcesses();
    } finally {
      rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async #start(name, command, { env, probed = false } = {}) {
    if (this.#removed) {
      throw new Error('the deployment has been removed');
    }
    const begin = performance.now();
    const started = new ServerProcess(command, {
      env: { ...process.env, ...this.#env, ...env, NESTGRAPH_DATA_DIR: this.directory },
      probed: probed || this.#profiles !== undefined,
    });
    this.processes[name] = started;
    const ms = await started.ready(begin);
    if (this.#profiles) {
      await started.ask('startProfile');
    }
    return ms;
  }

  async #saveProfiles() {
    if (this.#profiles) {
      for (const [name, one] of Object.entries(this.processes)) {
        const file = path.join(this.#profiles, `${name}-${one.pid}.cpuprofile`);
        await one.ask('stopProfile', { file });
      }
    }
  }

  get #postmaster() {
    return Number(readFileSync(path.join(this.directory, 'postgres/data/postmaster.pid'), 'latin1').split('\n', 1)[0]);
  }
}

const mb = (bytes) => round(bytes / 1024 / 1024, 1);

function newFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-bench-'));
  // PostgreSQL does not run as root: its account must be able to enter the folder.
  chmodSync(folder, 0o755);
  return folder;
}
