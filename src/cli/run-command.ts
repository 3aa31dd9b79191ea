import { type CliOptions, type Command, loadConfig, type NestgraphConfig } from '../config/config.js';

type Execute = (config: NestgraphConfig) => Promise<void>;

/** Loaded only once the configuration is right: what is wrong with it is reported at once, before any database exists. */
const COMMANDS: Record<Command, () => Promise<Execute>> = {
  dev: async () => (await import('./serve.js')).serve,
  start: async () => (await import('./serve.js')).serve,
  worker: async () => (await import('./work.js')).work,
  migrate: async () => (await import('./migrate.js')).migrateDatabase,
  openapi: async () => (await import('./print-openapi.js')).printOpenApi,
};

/** Executes one command. Its errors are meant for people. */
export async function runCommand(options: CliOptions): Promise<void> {
  const config = loadConfig(options);
  warnAbout(config);
  const execute = await COMMANDS[config.command]();
  await execute(config);
}

/** To stderr: what commands print on stdout may be piped somewhere. */
function warnAbout({ warnings }: NestgraphConfig): void {
  for (const warning of warnings) {
    process.stderr.write(`Warning: ${warning}\n`);
  }
}
