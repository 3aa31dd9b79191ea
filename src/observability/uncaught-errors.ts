import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { currentRun } from './run-context.js';
import { currentNode } from './sdk-logger.js';

/** At most so many errors are logged within one window; further ones are only counted. */
const MAX_LOGGED = 20;
const WINDOW_MS = 10_000;

/** At most so many characters of an error are logged, and at most so many errors of its cause chain. */
const MAX_LENGTH = 8_000;
const MAX_CAUSES = 5;

/**
 * Logs uncaught errors and keeps the process running: rejections without a handler, exceptions in timers, emitters,
 * streams and listeners. User code throws them, and one user's code must not end a process that executes the runs of
 * all users (decision 28). Call this before user code is loaded.
 */
export function surviveUncaughtErrors(): void {
  const log = new UncaughtErrors();
  process.on('uncaughtException', (error) => log.note('exception', error));
  process.on('unhandledRejection', (reason) => log.note('rejection', reason));
  // Ignores errors of a closed pipe: logging one would cause the next uncaught error, endlessly.
  [process.stdout, process.stderr].forEach((stream) => stream.on('error', () => undefined));
}

class UncaughtErrors {
  private readonly logger = new Logger('Uncaught');
  private logged = 0;
  private suppressed = 0;

  /** Never throws: an exception here would end the process. */
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
      // Logging itself failed, so the failure cannot be reported.
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

/** The run and the node of the error, as far as they are known. */
function origin(): string {
  const node = currentNode();
  return node || Object.entries(currentRun() ?? {}).map(([key, value]) => `${key}=${String(value)}`).join(' '); // prettier-ignore
}

/** Formats stacks only: other members of an error may contain request headers with credentials. */
function describe(error: unknown): string {
  try {
    return stacks(error).join('\nCaused by: ').slice(0, MAX_LENGTH);
  } catch {
    return 'The error cannot be formatted: reading it throws.';
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
