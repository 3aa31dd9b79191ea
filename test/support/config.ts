import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config.errors.js';
import { type CliOptions, loadConfig, type NestgraphConfig } from '../../src/config/index.js';

const GRAPHS = { agent: './agent.ts:graph' };

/** A new empty folder. */
export const emptyFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'config-')));

/** Writes a langgraph.json with one graph into a folder of its own; returns its path. */
export function writeLanggraphJson(content: Record<string, unknown> = {}): string {
  const file = join(emptyFolder(), 'langgraph.json');
  writeFileSync(file, JSON.stringify({ graphs: GRAPHS, ...content }));
  return file;
}

/** The sources of a configuration. */
export interface Given {
  cli?: Partial<CliOptions>;
  env?: NodeJS.ProcessEnv;
  file?: Record<string, unknown>;
}

/** The configuration of `dev`, unless `cli` has another command. */
export const load = ({ cli, env = {}, file }: Given = {}): NestgraphConfig =>
  loadConfig({ command: 'dev', config: writeLanggraphJson(file), ...cli }, env);

/** The problems that stop the start; none if the configuration is valid. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}
