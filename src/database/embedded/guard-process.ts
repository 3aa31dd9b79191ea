import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from './cluster.js';
import type { GuardMessage } from './guard.js';
import { PROGRAM_ENVIRONMENT } from './run-program.js';

/** The compiled program of the guard. */
const PROGRAM = new URL('./guard.js', import.meta.url);
/** A guard that ends early is restarted after this delay, at most this many times. */
const RESTART_DELAY_MS = 1_000;
const MAX_RESTARTS = 5;

/** The guard of this process, see guard.ts. It starts before the server, so that a server always has a guard. */
export class GuardProcess {
  private child?: ChildProcess;
  private isOver = false;
  private restarts = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly program = PROGRAM,
  ) {
    this.start();
  }

  /** Ends the guard: the server has stopped, or another process with its own guard uses it. */
  dismiss(): void {
    this.send({ dismissed: true });
    this.takeOver();
  }

  /** From now on the guard stops the server as soon as no process uses it. */
  takeOver(): void {
    this.isOver = true;
    this.child?.stdin?.end();
  }

  private start(): void {
    const child = spawn(process.execPath, [fileURLToPath(this.program)], {
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
      // A separate session: signals to this process group do not reach the guard.
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.once('error', () => this.restart());
    child.once('exit', () => this.restart());
    // A guard that has ended cannot read the message; the next one receives it.
    child.stdin.on('error', () => undefined);
    // Neither the guard nor the pipe keeps this process alive.
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    this.child = child;
    const { location, binaries } = this.cluster;
    this.send({ cluster: { location, binaries } });
  }

  private send(message: GuardMessage): void {
    this.child?.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  private restart(): void {
    if (this.isOver || this.restarts >= MAX_RESTARTS) {
      return;
    }
    this.restarts += 1;
    setTimeout(() => {
      if (!this.isOver) {
        this.start();
      }
    }, RESTART_DELAY_MS).unref();
  }
}
