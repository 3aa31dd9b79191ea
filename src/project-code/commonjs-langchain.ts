import Module from 'node:module';
import { fileURLToPath } from 'node:url';

/** Packages whose classes graphs and server must share. */
const SHARED = /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/;

type Loader = (module: Module, file: string) => void;

interface ModuleInternals {
  _load: (this: unknown, request: string, parent: unknown, isMain: boolean) => unknown;
  _extensions: Record<string, Loader>;
}

/**
 * Makes `require('@langchain/…')` return the ESM copy of the package that the server imports. Otherwise it would load the
 * CommonJS build, too: two copies of every class.
 */
export function shareLangchainWithCommonJs(): void {
  const internals = Module as unknown as ModuleInternals;
  const { _load: load } = internals;
  const loadJs = internals._extensions['.js'];
  const shared = new Map<string, unknown>();
  internals._load = function (request, parent, isMain) {
    if (!SHARED.test(request)) {
      return load.call(this, request, parent, isMain);
    }
    if (!shared.has(request)) {
      shared.set(request, requireEsm(request, loadJs));
    }
    return shared.get(request);
  };
}

function requireEsm(specifier: string, loadJs: Loader): unknown {
  // The resolve hook of share-langchain returns the copy that the server uses.
  const file = fileURLToPath(import.meta.resolve(specifier));
  const module = new Module(file);
  module.filename = file;
  loadJs(module, file);
  return module.exports as unknown;
}
