#!/usr/bin/env node
import 'reflect-metadata';
import path from 'node:path';
import { parseCommandLine, USAGE, UsageError } from './cli/args.js';
import { enableCompileCache } from './cli/compile-cache.js';
import { ApiError } from './common/errors/api-error.js';
import { StartupError } from './common/startup-error.js';
import { checkPeers } from './module-hooks/check-peers.js';
import { shareLangchainPackages } from './module-hooks/share-langchain.js';

/** The entry point. Module resolution is set up before other modules are loaded. */
async function main(argv: string[]): Promise<void> {
  const options = parseCommandLine(argv);
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (options === 'version') {
    const { NESTGRAPH_VERSION } = await import('./observability/versions.js');
    process.stdout.write(`${NESTGRAPH_VERSION}\n`);
    return;
  }
  enableCompileCache();
  const configFile = path.resolve(options.config ?? 'langgraph.json');
  checkPeers(shareLangchainPackages(configFile), configFile);
  const { runCommand } = await import('./cli/run-command.js');
  await runCommand(options);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${formatStartupError(error)}\n`);
  process.exit(1);
});

/** An unexpected error is printed with its stack trace. */
function formatStartupError(error: unknown): string {
  if (error instanceof UsageError) {
    return `${error.message}\n\n${USAGE}`;
  }
  // The database may become unavailable during the start, which is an ApiError.
  if (error instanceof StartupError || error instanceof ApiError) {
    return error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
