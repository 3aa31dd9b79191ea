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

/** Synchronous hooks in the main thread: Node 22.15 and newer. */
type RegisterHooks = (hooks: {
  resolve: (specifier: string, context: ResolveContext, nextResolve: Resolve) => { url: string };
}) => void;

const { registerHooks } = Module as unknown as { registerHooks?: RegisterHooks };

/**
 * Makes graphs and server share one copy of LangGraph: otherwise each would not recognize the messages and interrupts of the
 * other. It is the copy that the first graph resolves, because its author chose that version, or else the copy of Nestgraph.
 * Must run before any import of LangGraph. Returns a file of the copy in use.
 */
export function shareLangchainPackages(configFile: string): string | undefined {
  const projectEntry = graphFiles(configFile)
    .map((file) => locate(ANCHOR, pathToFileURL(file).href))
    .find((entry) => entry !== undefined);
  const entry = projectEntry ?? locate(ANCHOR, import.meta.url);
  // Without a copy in the project, the hook makes graphs use the copy of Nestgraph.
  if (entry !== undefined && (projectEntry === undefined || !isOwnCopy(entry))) {
    resolveFrom(pathToFileURL(entry).href);
  }
  return entry;
}

/** Whether Nestgraph itself resolves the same copies. Strict package managers hide packages that only LangGraph depends on. */
const isOwnCopy = (entry: string): boolean =>
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

/** A file of the package: imports from there resolve its own dependencies. */
function locate(name: string, from: string): string | undefined {
  try {
    return realpathSync(createRequire(from).resolve(name));
  } catch {
    return undefined;
  }
}
