import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { LogConfig } from '../config/index.js';

/** Each level with all levels above it. */
const LEVELS: Record<LogConfig['level'], LogLevel[]> = {
  error: ['fatal', 'error'],
  warn: ['fatal', 'error', 'warn'],
  info: ['fatal', 'error', 'warn', 'log'],
  debug: ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'],
};

/** Contexts of Nest's startup log: one line per module and route, shown only at level debug. */
const STARTUP_CONTEXTS = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
]);

/** Writes human-readable log lines, or one JSON object per line. */
export class NestgraphLogger extends ConsoleLogger {
  constructor(private readonly settings: LogConfig) {
    super({
      prefix: 'nestgraph',
      json: settings.json,
      logLevels: LEVELS[settings.level],
      colors: Boolean(process.stdout.isTTY),
    });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (this.settings.level === 'debug' || !STARTUP_CONTEXTS.has(String(rest.at(-1)))) {
      super.log(message, ...rest);
    }
  }
}
