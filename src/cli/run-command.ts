import type { CliOptions, Command, NestgraphConfig } from '../config/index.js';
import { loadConfig } from '../config/load-config.js';

type Execute = (config: NestgraphConfig) => Promise<void>;

/** Loaded only after the configuration was validated, so that its problems are reported at once, before any database exists. */
const COMMANDS: Record<Command, () => Promise<Execute>> = {
  dev: async () => (await import('./serve.js')).serve,
  start: async () => (await import('./serve.js')).serve,
  worker: async () => (await import('./work.js')).work,
  migrate: async () => (await import('./migrate.js')).migrateDatabase,
  openapi: async () => (await import('./print-openapi.js')).printOpenApi,
};

/** Executes one command. */
export async function runCommand(options: CliOptions): Promise<void> {
  const config = loadConfig(options);
  printWarnings(config);
  const execute = await COMMANDS[config.command]();
  await execute(config);
}

/** To stderr: the stdout of a command may be piped. */
function printWarnings({ warnings }: NestgraphConfig): void {
  for (const warning of warnings) {
    process.stderr.write(`Warning: ${warning}\n`);
  }
}
