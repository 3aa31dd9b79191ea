import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { currentRun } from './run-context.js';
import { speaker } from './sdk-logger.js';

/** Errors that are logged in full within one window; the others are counted. */
const MAX_LOGGED = 20;
const WINDOW_MS = 10_000;

/** Characters of one error, and errors of one chain of causes. */
const MAX_LENGTH = 8_000;
const MAX_CAUSES = 5;

/**
 * Logs errors that nothing awaits: rejections without a handler, exceptions in timers, emitters, streams and listeners.
 * User code throws them, and one user's code must not end the process that executes everybody's runs (decision 28). To be
 * called before any code of the user is loaded.
 */
export function surviveUncaughtErrors(): void {
  const log = new UncaughtErrors();
  process.on('uncaughtException', (error) => log.note('exception', error));
  process.on('unhandledRejection', (reason) => log.note('rejection', reason));
  // A closed pipe: logging that would be the next uncaught error, without end.
  [process.stdout, process.stderr].forEach((stream) => stream.on('error', () => undefined));
}

class UncaughtErrors {
  private readonly logger = new Logger('Uncaught');
  private logged = 0;
  private suppressed = 0;

  /** Never throws: an exception in here would end the process. */
  note(kind: 'exception' | 'rejection', error: unknown): void {
    try {
      if (this.logged === 0 && this.suppressed === 0) {
        setTimeout(() => this.endWindow(), WINDOW_MS).unref();
      }
      if (this.logged >= MAX_LOGGED) {
        this.suppressed += 1;
        return;
      }
      this.logged += 1;
      this.logger.error(`Uncaught ${kind}; the process continues. ${origin()}`.trimEnd(), describe(error));
    } catch {
      // Logging itself has failed: nothing is left that could report it.
    }
  }

  private endWindow(): void {
    if (this.suppressed > 0) {
      this.logger.error(`${this.suppressed} more uncaught errors in the last ${WINDOW_MS / 1_000} s were not logged`);
    }
    this.logged = 0;
    this.suppressed = 0;
  }
}

/** The run and the node, as far as they are known. */
function origin(): string {
  const node = speaker();
  return node || Object.entries(currentRun() ?? {}).map(([key, value]) => `${key}=${String(value)}`).join(' '); // prettier-ignore
}

/** Stacks only: other members of an error may hold the headers of a request, with its credentials. */
function describe(error: unknown): string {
  try {
    return stacks(error).join('\nCaused by: ').slice(0, MAX_LENGTH);
  } catch {
    return 'An error that cannot be shown: reading it throws.';
  }
}

function stacks(error: unknown): string[] {
  const parts: string[] = [];
  for (let next = error; parts.length < MAX_CAUSES; next = next.cause) {
    if (!(next instanceof Error)) {
      return next === undefined && parts.length > 0
        ? parts
        : [...parts, inspect(next, { depth: 0, breakLength: Infinity })];
    }
    parts.push(String(next.stack));
  }
  return parts;
}
