import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from './cluster.js';
import type { GuardMessage } from './guard.js';
import { PROGRAM_ENVIRONMENT } from './run-program.js';

/** The guard's program, as it is compiled. */
const PROGRAM = new URL('./guard.js', import.meta.url);
/** A guard that ends while it is needed is started again, after this time and so many times. */
const RESTART_MS = 1_000;
const MAX_RESTARTS = 5;

/** This process's guard, see guard.ts. It is started before the server, so that no server is ever without one. */
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

  /** The server has stopped, or another process with a guard of its own uses it. */
  dismiss(): void {
    this.tell({ dismissed: true });
    this.takeOver();
  }

  /** From here on the guard sees to it that the server stops when no process uses it any more. */
  takeOver(): void {
    this.isOver = true;
    this.child?.stdin?.end();
  }

  private start(): void {
    const child = spawn(process.execPath, [fileURLToPath(this.program)], {
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
      // A session of its own: what ends this process group does not end the guard.
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.once('error', () => this.restart());
    child.once('exit', () => this.restart());
    // A guard that has ended does not read; the next one gets the message.
    child.stdin.on('error', () => undefined);
    // Neither it nor the pipe keeps this process alive.
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    this.child = child;
    const { location, binaries } = this.cluster;
    this.tell({ cluster: { location, binaries } });
  }

  private tell(message: GuardMessage): void {
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
    }, RESTART_MS).unref();
  }
}
