/** Reads `langgraph.json` and the env file it references. The graph registry reads the graph files. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type * as esbuild from 'esbuild';
import { LANGGRAPH_JSON, type LanggraphJson } from './langgraph-json.schema.js';
import { readInto } from './read-value.js';
import type { Findings } from './findings.js';

/** `start` stops if a part of the project is missing; `dev` warns and serves the rest. */
export type MissingPart = 'warn' | 'stop';

/** One entry of `graphs`. The file is not checked yet: it may be missing. */
export interface GraphSpec {
  readonly graph_id: string;
  /** Absolute path of the module. */
  readonly file: string;
  readonly export_name: string;
  readonly description?: string;
}

/** Returns the content of the file, or undefined after reporting why it is invalid. */
export function readLanggraphJson(file: string, findings: Findings): LanggraphJson | undefined {
  const within = findings.within(basename(file));
  const source = readSource(file, within);
  const value = source === undefined ? undefined : parseJson(source, within);
  return value === undefined ? undefined : readInto(LANGGRAPH_JSON, value, within);
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

/** `JSON.parse` returns no position for most errors; esbuild does, and it identifies comments and trailing commas. */
function placeOfJsonError(source: string): string | undefined {
  // Loaded on demand, because it takes time that a valid file does not need.
  const { transformSync } = createRequire(import.meta.url)('esbuild') as typeof esbuild;
  try {
    transformSync(source, { loader: 'json', logLevel: 'silent' });
  } catch (error) {
    const first = (error as Partial<esbuild.TransformFailure>).errors?.[0];
    return first?.location
      ? `line ${first.location.line}, column ${first.location.column + 1}: ${first.text}`
      : undefined;
  }
  return undefined;
}

/** The graphs with absolute paths, resolved against the folder of langgraph.json. Python graphs are skipped. */
export function resolveGraphs({ graphs }: LanggraphJson, directory: string): GraphSpec[] {
  return Object.entries(graphs)
    .filter(([, { path }]) => !isPython(path))
    .map(([graph_id, { path, ...rest }]) => ({ graph_id, file: resolve(directory, path), ...rest }));
}

/** A project may contain Python graphs besides others. A project with Python graphs only has nothing to serve. */
export function checkPythonGraphs({ graphs }: LanggraphJson, missing: MissingPart, findings: Findings): void {
  const python = Object.entries(graphs).filter(([, { path }]) => isPython(path));
  const stops = missing === 'stop' || python.length === Object.keys(graphs).length;
  for (const [graph_id, { path }] of python) {
    const sentence = `Python graphs are not served (${path}): this server executes LangGraph.js graphs`;
    if (stops) {
      findings.problem(
        `graphs.${graph_id}`,
        `${sentence}. Serve it with the Python server and remove it from this file`,
      );
    } else {
      findings.warn(`graphs.${graph_id}: ${sentence}; the other graphs are served`);
    }
  }
}

const isPython = (path: string): boolean => extname(path) === '.py';

/** The variables of `env`: an object in langgraph.json, or the content of an env file. */
export function readEnv(
  { env = {} }: LanggraphJson,
  file: string,
  missing: MissingPart,
  findings: Findings,
): Readonly<Record<string, string>> {
  if (typeof env !== 'string') {
    return env;
  }
  const envFile = resolve(dirname(file), env);
  const within = findings.within(`${basename(file)}: env`);
  if (missing === 'warn' && !existsSync(envFile)) {
    within.warn(`${envFile} does not exist; ${remedyFor(envFile)}`);
    return {};
  }
  const source = readSource(envFile, within);
  return source === undefined ? {} : (parseEnv(source) as Record<string, string>);
}

/** Repositories often contain an example of the env file, because the file itself contains secrets. */
function remedyFor(envFile: string): string {
  const example = `${envFile}.example`;
  return existsSync(example)
    ? `copy ${basename(example)} to ${basename(envFile)} and fill it in`
    : 'graphs that need its variables may fail';
}
