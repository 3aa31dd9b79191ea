/** Reads `langgraph.json` and what it points to at start: the env file. Graph files are the graph registry's business. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { transformSync, type TransformFailure } from 'esbuild';
import { LANGGRAPH_JSON, type LanggraphJson } from './langgraph-json.shape.js';
import type { Findings } from './shape.js';

/** One entry of `graphs`: where the graph is to be loaded from. Nobody has looked yet whether it is there. */
export interface GraphSpec {
  readonly graph_id: string;
  /** Absolute path of the module. */
  readonly file: string;
  readonly export_name: string;
  readonly description?: string;
}

/** The file's content, or undefined after noting why it cannot be used. */
export function readLanggraphJson(file: string, findings: Findings): LanggraphJson | undefined {
  const within = findings.within(basename(file));
  const source = readSource(file, within);
  const value = source === undefined ? undefined : parseJson(source, within);
  return value === undefined ? undefined : LANGGRAPH_JSON.read(value, '', within);
}

function readSource(file: string, findings: Findings): string | undefined {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const [reason] = (error as Error).message.split(',');
    return findings.problem('', `cannot read ${file} (${reason})`);
  }
}

function parseJson(source: string, findings: Findings): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch (error) {
    return findings.problem('', `not valid JSON; ${placeOfJsonError(source) ?? (error as Error).message}`);
  }
}

/** `JSON.parse` gives no position for most mistakes; esbuild does, and it names comments and trailing commas as such. */
function placeOfJsonError(source: string): string | undefined {
  try {
    transformSync(source, { loader: 'json', logLevel: 'silent' });
  } catch (error) {
    const first = (error as Partial<TransformFailure>).errors?.[0];
    return first?.location
      ? `line ${first.location.line}, column ${first.location.column + 1}: ${first.text}`
      : undefined;
  }
  return undefined;
}

/** The graphs, with paths resolved against the folder of langgraph.json. */
export function resolveGraphs({ graphs }: LanggraphJson, directory: string): GraphSpec[] {
  return Object.entries(graphs).map(([graph_id, { path, ...rest }]) => ({
    graph_id,
    file: resolve(directory, path),
    ...rest,
  }));
}

/** The variables that `env` stands for, whether they are in the file itself or in another one. */
export function readEnv(
  { env = {} }: LanggraphJson,
  file: string,
  findings: Findings,
): Readonly<Record<string, string>> {
  if (typeof env !== 'string') {
    return env;
  }
  const source = readSource(resolve(dirname(file), env), findings.within(`${basename(file)}: env`));
  return source === undefined ? {} : (parseEnv(source) as Record<string, string>);
}
