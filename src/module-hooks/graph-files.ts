import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** How graphs of other servers end: they say nothing about packages of ours. */
const PYTHON = '.py';

/**
 * Files from which graphs look for their packages, in the order of langgraph.json; the file itself comes last. What is wrong
 * with langgraph.json is reported when the configuration is read: here it counts as empty.
 */
export function graphFiles(configFile: string): string[] {
  return [...pathsOf(configFile).map((each) => realPath(path.resolve(path.dirname(configFile), each))), configFile];
}

/** A workspace package may be listed by its link in node_modules; imports resolve from where it really is. */
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
