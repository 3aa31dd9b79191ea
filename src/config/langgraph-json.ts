/** Reads `langgraph.json` and what it points to at start: the env file. Graph files are the graph registry's business. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { transformSync, type TransformFailure } from 'esbuild';
import { LANGGRAPH_JSON, type LanggraphJson } from './langgraph-json.shape.js';
import type { Findings } from './shape.js';

/** Missing parts of a project stop `start`; `dev` serves the rest and warns. */
export type MissingPart = 'warn' | 'stop';

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

/** The graphs, with paths resolved against the folder of langgraph.json. Python graphs are left out. */
export function resolveGraphs({ graphs }: LanggraphJson, directory: string): GraphSpec[] {
  return Object.entries(graphs)
    .filter(([, { path }]) => !isPython(path))
    .map(([graph_id, { path, ...rest }]) => ({ graph_id, file: resolve(directory, path), ...rest }));
}

/** A project may have graphs for both servers. One that has Python graphs only has nothing to serve. */
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

/** The variables that `env` stands for, whether they are in the file itself or in another one. */
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
    within.warn(`there is no ${envFile}; ${remedyFor(envFile)}`);
    return {};
  }
  const source = readSource(envFile, within);
  return source === undefined ? {} : (parseEnv(source) as Record<string, string>);
}

/** Repositories keep an example of the file, because the file itself holds secrets. */
function remedyFor(envFile: string): string {
  const example = `${envFile}.example`;
  return existsSync(example)
    ? `copy ${basename(example)} to ${basename(envFile)} and fill it in`
    : 'graphs that need its variables may fail';
}
