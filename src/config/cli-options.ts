export type Command = 'dev' | 'start' | 'worker' | 'migrate' | 'openapi';

/** The command line as given. It takes precedence over the environment. */
export interface CliOptions {
  readonly command: Command;
  /** Path of langgraph.json. Default: the one in the current folder. */
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  /** False for `--no-reload`. */
  readonly reload?: boolean;
  /** True for `--skip-failed-graphs`. */
  readonly skip_failed_graphs?: boolean;
}
