import { parseArgs } from 'node:util';
import type { CliOptions, Command } from '../config/index.js';

export const USAGE = `Usage: nestgraph <command> [options]

Commands:
  dev        Serve the graphs of langgraph.json on this machine; reloads sources when they change
  start      Serve them in production
  worker     Execute runs without serving the API
  migrate    Bring the database schema up to date
  openapi    Print the OpenAPI document

Options:
  --config FILE   langgraph.json to use (default: the one in this folder)
  --host HOST     address to listen on (default 127.0.0.1)
  --port PORT     port to listen on (default 2024)
  --no-reload     dev: do not reload sources when they change
  --skip-failed-graphs
                  start, worker: serve the other graphs when one cannot be loaded
  --help          show this help
  --version       show the version`;

const COMMANDS: readonly Command[] = ['dev', 'start', 'worker', 'migrate', 'openapi'];

/** The command line is invalid; the message says what is expected. */
export class UsageError extends Error {}

/** Parses the command line. `help` and `version` take precedence over everything else. */
export function parseCommandLine(argv: string[]): CliOptions | 'help' | 'version' {
  const { values, positionals } = parse(argv);
  if (values.help) {
    return 'help';
  }
  if (values.version) {
    return 'version';
  }
  const [command, ...others] = positionals;
  if (!COMMANDS.includes(command as Command) || others.length > 0) {
    const given = positionals.length > 0 ? `"${positionals.join(' ')}" is not a command` : 'A command is missing';
    throw new UsageError(`${given}; use one of ${COMMANDS.join(', ')}.`);
  }
  return {
    command: command as Command,
    config: values.config,
    host: values.host,
    port: values.port,
    reload: !values['no-reload'],
    skip_failed_graphs: values['skip-failed-graphs'],
  };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        'no-reload': { type: 'boolean' },
        'skip-failed-graphs': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
