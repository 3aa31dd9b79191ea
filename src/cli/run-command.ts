import { type CliOptions, loadConfig, type NestgraphConfig } from '../config/index.js';
import { migrateDatabase } from './migrate.js';
import { printOpenApi } from './print-openapi.js';
import { serve } from './serve.js';
import { work } from './work.js';

/** Carries out one command. What it throws is meant for people. */
export async function runCommand(options: CliOptions): Promise<void> {
  const config = loadConfig(options);
  warnAbout(config);
  switch (config.command) {
    case 'dev':
    case 'start':
      return serve(config);
    case 'worker':
      return work(config);
    case 'migrate':
      return migrateDatabase(config);
    case 'openapi':
      return printOpenApi(config);
  }
}

/** To stderr: what commands print on stdout may be piped somewhere. */
function warnAbout({ warnings }: NestgraphConfig): void {
  for (const warning of warnings) {
    process.stderr.write(`Warning: ${warning}\n`);
  }
}
