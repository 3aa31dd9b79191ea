import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** Extension of Python graphs, which do not use npm packages. */
const PYTHON = '.py';

/**
 * The files of the graphs in the order of langgraph.json, and then that file itself: packages are resolved from them. An
 * invalid langgraph.json counts as empty here; its problems are reported when the configuration is read.
 */
export function graphFiles(configFile: string): string[] {
  return [...pathsOf(configFile).map((each) => realPath(path.resolve(path.dirname(configFile), each))), configFile];
}

/** A graph may be listed by the link of its workspace package in node_modules, but its imports resolve from its real path. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function pathsOf(configFile: string): string[] {
  try {
    const { graphs } = JSON.parse(readFileSync(configFile, 'utf8').replace(/^\uFEFF/, '')) as { graphs: object };
    return Object.values(graphs)
      .map((graph: string | { path: string }) => (typeof graph === 'string' ? graph : graph.path))
      .map((reference) => reference.replace(/:[^:/\\]*$/, ''))
      .filter((file) => path.extname(file) !== PYTHON);
  } catch {
    return [];
  }
}
