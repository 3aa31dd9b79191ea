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

/** One process of the server, as a user would start it: `nestgraph start` or `nestgraph worker`. */
export class ServerProcess {
  #child;
  #output = '';
  #probed;

  /** With `probed` it can be asked for its memory and profile. */
  constructor(command, { env, probed = false }) {
    this.command = command;
    this.#probed = probed;
    this.#child = fork(MAIN, command === 'start' ? ['start', '--port', '0'] : [command], {
      cwd: GRAPHS,
      env,
      execArgv: probed ? ['--expose-gc', '--import', PROBE] : [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      // Ctrl-C reaches us alone: a server that is told twice to stop leaves its database behind.
      detached: true,
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Waits until it says that it is ready, and then for the first answer. Gives the milliseconds since `begin`. */
  async ready(begin) {
    const [, url] = await this.#printed(READY[this.command]);
    if (url) {
      this.url = url;
      await fetch(`${url}/ok`);
    }
    return performance.now() - begin;
  }

  ask(question, options) {
    if (!this.#probed) {
      throw new Error(`${this.command} was started without its probe and cannot be asked: ${question}`);
    }
    return ask(this.#child, question, options);
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
