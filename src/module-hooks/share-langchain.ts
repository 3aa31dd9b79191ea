import { readFileSync, realpathSync } from 'node:fs';
import Module, { createRequire, register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { SHARED } from './shared-packages.js';

const ANCHOR = '@langchain/langgraph';

interface ResolveContext {
  parentURL?: string;
}

type Resolve = (specifier: string, context: ResolveContext) => { url: string };

/** Hooks in the thread of the application: Node 22.15 and newer. */
type RegisterHooks = (hooks: {
  resolve: (specifier: string, context: ResolveContext, nextResolve: Resolve) => { url: string };
}) => void;

const { registerHooks } = Module as unknown as { registerHooks?: RegisterHooks };

/**
 * Graphs and server must share one copy of LangGraph, or messages and interrupts of one are strangers to the other.
 * When the project has a copy of its own it is the one (its author chose the version), unless its major version is
 * another than ours; without one, ours. Must run before anything imports LangGraph. Returns a file of the copy in use.
 */
export function shareLangchainPackages(configFile = 'langgraph.json'): string | undefined {
  const project = path.dirname(path.resolve(configFile));
  const ours = locate(import.meta.url);
  const theirs = locate(pathToFileURL(path.join(project, 'langgraph.json')).href);
  if (!ours || ours.entry === theirs?.entry) {
    return ours?.entry;
  }
  const fits = theirs !== undefined && theirs.major === ours.major;
  if (theirs && !fits) {
    process.stderr.write(
      `Warning: the project has ${ANCHOR} ${theirs.version}, which this server does not support; ` +
        `graphs are run with ${ours.version}.\n`,
    );
  }
  const { entry } = fits ? theirs : ours;
  resolveFrom(pathToFileURL(entry).href);
  return entry;
}

function resolveFrom(anchor: string): void {
  if (registerHooks) {
    registerHooks({
      resolve: (specifier, context, nextResolve) =>
        nextResolve(specifier, SHARED.test(specifier) ? { ...context, parentURL: anchor } : context),
    });
  } else {
    register('./share-langchain.hooks.js', import.meta.url, { data: { anchor } });
  }
}

interface Copy {
  /** A file of the package: imports from there find the packages that belong to it. */
  entry: string;
  version: string;
  major: number;
}

function locate(from: string): Copy | undefined {
  try {
    const entry = realpathSync(createRequire(from).resolve(ANCHOR));
    const root = entry.slice(0, entry.lastIndexOf(path.join(...ANCHOR.split('/'))) + ANCHOR.length);
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { entry, version, major: Number.parseInt(version, 10) };
  } catch {
    return undefined;
  }
}
