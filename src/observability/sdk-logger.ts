import { inspect } from 'node:util';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { Logger } from '@nestjs/common';

/** Where the SDK's `getLogger` looks; it throws when there is nothing. */
const SDK_LOGGER = Symbol.for('langgraph.api.sdk-logger');

/** The levels that the SDK's logger has, as ours. */
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

/** What tells which run and node is speaking, from the metadata of its config. */
const SPEAKER = ['graph_id', 'run_id', 'thread_id', 'langgraph_node'] as const;

/** Gives graphs a logger that writes to our log. Has to be there before their modules are loaded. */
export function shareLoggerWithGraphs(): void {
  const ours = new Logger('Graph');
  const theirs = Object.fromEntries(
    Object.entries(LEVELS).map(([level, method]) => [
      level,
      (...parts: unknown[]) => {
        ours[method]([...parts.map(toText), speaker()].filter(Boolean).join(' '));
        return theirs;
      },
    ]),
  );
  (globalThis as Record<symbol, unknown>)[SDK_LOGGER] = theirs;
}

/** Values on one line, errors with their stack. */
const toText = (part: unknown): string =>
  typeof part === 'string' ? part : inspect(part, { breakLength: Infinity, depth: 6 });

/** The run and the node whose code is executing, as LangGraph knows them; empty outside of nodes. */
export function speaker(): string {
  const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as
    { metadata?: Record<string, unknown> } | undefined;
  return SPEAKER.flatMap((key) => {
    const value = config?.metadata?.[key];
    return typeof value === 'string' ? `${key}=${value}` : [];
  }).join(' ');
}
