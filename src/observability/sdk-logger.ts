import { inspect } from 'node:util';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { Logger } from '@nestjs/common';

/** The global that the SDK's `getLogger` reads; it throws when the global is missing. */
const SDK_LOGGER = Symbol.for('langgraph.api.sdk-logger');

/** Maps the levels of the SDK's logger to ours. */
const LEVELS = {
  error: 'error',
  warn: 'warn',
  help: 'log',
  data: 'log',
  info: 'log',
  prompt: 'log',
  http: 'log',
  input: 'log',
  debug: 'debug',
  verbose: 'verbose',
  silly: 'verbose',
} as const;

/** The config metadata that identifies the run and the node of a log line. */
const NODE_KEYS = ['graph_id', 'run_id', 'thread_id', 'langgraph_node'] as const;

/** Installs the logger that `getLogger` returns in graphs. Call this before their modules are loaded. */
export function shareLoggerWithGraphs(): void {
  const ours = new Logger('Graph');
  const theirs = Object.fromEntries(
    Object.entries(LEVELS).map(([level, method]) => [
      level,
      (...parts: unknown[]) => {
        ours[method]([...parts.map(format), currentNode()].filter(Boolean).join(' '));
        return theirs;
      },
    ]),
  );
  (globalThis as Record<symbol, unknown>)[SDK_LOGGER] = theirs;
}

/** Formats a value on one line, and an error with its stack. */
const format = (part: unknown): string =>
  typeof part === 'string' ? part : inspect(part, { breakLength: Infinity, depth: 6 });

/** The current run and node in LangGraph's context, formatted for a log line; empty outside of nodes. */
export function currentNode(): string {
  const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as
    { metadata?: Record<string, unknown> } | undefined;
  return NODE_KEYS.flatMap((key) => {
    const value = config?.metadata?.[key];
    return typeof value === 'string' ? `${key}=${value}` : [];
  }).join(' ');
}
