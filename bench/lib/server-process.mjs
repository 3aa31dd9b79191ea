import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ask } from './ask.mjs';

const ROOT = path.join(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/main.js');
const PROBE = path.join(import.meta.dirname, 'probe.mjs');
export const GRAPHS = path.join(ROOT, 'bench/graphs');

const READY = { start: /API {5}(\S+)/, worker: /Nestgraph worker/ };

/** One server process, started as by a user: `nestgraph start` or `nestgraph worker`. */
export class ServerProcess {
  #child;
  #output = '';
  #probed;

  /** `probed` loads the probe for memory and profiles. */
  constructor(command, { env, probed = false }) {
    this.command = command;
    this.#probed = probed;
    this.#child = fork(MAIN, command === 'start' ? ['start', '--port', '0'] : [command], {
      cwd: GRAPHS,
      env,
      execArgv: probed ? ['--expose-gc', '--import', PROBE] : [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      // Ctrl-C reaches only the bench: a second signal would end the server at once.
      detached: true,
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Waits for the start message, and then for the first response. Returns the milliseconds since `begin`. */
  async ready(begin) {
    const [, url] = await this.#printed(READY[this.command]);
    if (url) {
      this.url = url;
      await fetch(`${url}/ok`);
    }
    return performance.now() - begin;
  }

  ask(request, options) {
    if (!this.#probed) {
      throw new Error(`${this.command} was started without its probe and cannot execute: ${request}`);
    }
    return ask(this.#child, request, options);
  }

  /** Log lines of level warn and above. */
  complaints() {
    return this.#output.split('\n').filter((line) => /"level":"(warn|error|fatal)"/.test(line));
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
  }

  #printed(pattern) {
    return new Promise((resolve, reject) => {
      const look = (chunk) => {
        this.#output += chunk;
        const match = pattern.exec(this.#output);
        if (match) {
          resolve(match);
        }
      };
      this.#child.stdout.setEncoding('utf8').on('data', look);
      this.#child.stderr.setEncoding('utf8').on('data', look);
      this.#child.once('exit', () => reject(new Error(`nestgraph ${this.command} did not start:\n${this.#output}`)));
    });
  }
}
