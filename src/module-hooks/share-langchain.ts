import { realpathSync } from 'node:fs';
import Module, { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { graphFiles } from './graph-files.js';
import { PACKAGES, SHARED } from './shared-packages.js';

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
 * Graphs and server must share one copy of LangGraph, or messages and interrupts of one are strangers to the other. It is the
 * one that the first graph finds from its own file, because its author chose that version; when no graph finds one, ours. Must
 * run before anything imports LangGraph. Returns a file of the copy in use.
 */
export function shareLangchainPackages(configFile: string): string | undefined {
  const theirs = graphFiles(configFile)
    .map((file) => locate(ANCHOR, pathToFileURL(file).href))
    .find((entry) => entry !== undefined);
  const entry = theirs ?? locate(ANCHOR, import.meta.url);
  // Graphs that find none are lent ours; without a hook they would not be.
  if (entry !== undefined && (theirs === undefined || !isOurs(entry))) {
    resolveFrom(pathToFileURL(entry).href);
  }
  return entry;
}

/** Whether this server finds the same copies by itself. Strict package managers hide what only LangGraph depends on. */
const isOurs = (entry: string): boolean =>
  PACKAGES.every((name) => {
    const found = locate(name, import.meta.url);
    return found !== undefined && found === locate(name, pathToFileURL(entry).href);
  });

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

/** A file of the package: imports from there find the packages that belong to it. */
function locate(name: string, from: string): string | undefined {
  try {
    return realpathSync(createRequire(from).resolve(name));
  } catch {
    return undefined;
  }
}
