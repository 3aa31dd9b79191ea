import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { LogConfig } from '../config/index.js';

/** Each level with those above it. */
const LEVELS: Record<LogConfig['level'], LogLevel[]> = {
  error: ['fatal', 'error'],
  warn: ['fatal', 'error', 'warn'],
  info: ['fatal', 'error', 'warn', 'log'],
  debug: ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'],
};

/** What Nest says about its own start: a line per module and route, which nobody reads. */
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Logs for people, or one JSON object per line. */
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
    if (this.settings.level === 'debug' || !CHATTER.has(String(rest.at(-1)))) {
      super.log(message, ...rest);
    }
  }
}
