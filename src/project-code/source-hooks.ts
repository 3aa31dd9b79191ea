import Module, { register } from 'node:module';
import { MessageChannel } from 'node:worker_threads';
import { findTsconfig } from 'get-tsconfig';
import { shareLangchainWithCommonJs } from './commonjs-langchain.js';
import { compileInWorkers } from './compile-in-workers.js';
import type { SourceImport } from './import-source.js';
import { resolveSourceSync } from './resolve-source.js';

type OnSource = (source: SourceImport) => void;

interface ResolveContext {
  parentURL?: string;
}

interface Resolved {
  url: string;
}

/** Synchronous hooks in the main thread: Node 22.15 and newer. */
type RegisterHooks = (hooks: {
  resolve: (
    specifier: string,
    context: ResolveContext,
    nextResolve: (specifier: string, context: ResolveContext) => Resolved,
  ) => Resolved;
}) => void;

const { registerHooks } = Module as unknown as { registerHooks?: RegisterHooks };

let hooks: Promise<void> | undefined;

/**
 * Lets this process import sources of a project in place: TypeScript, JSX and CommonJS, with the paths of the project's
 * `tsconfig.json`. Module hooks apply to the whole process, so they are registered once. `onSource` is called with each
 * source file that another one imports. Why tsx: docs/decisions/0003-loading-graphs.md.
 */
export const registerSourceHooks = (folder: string, onSource: OnSource): Promise<void> =>
  (hooks ??= registerOnce(folder, onSource));

async function registerOnce(folder: string, onSource: OnSource): Promise<void> {
  // Before tsx, which replaces the CommonJS loader.
  shareLangchainWithCommonJs();
  const [commonJs, esm] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')]);
  commonJs.register();
  // By default tsx searches the current folder only.
  esm.register({ tsconfig: findTsconfig(folder) });
  // The hook that is registered last runs first: this one receives the result of tsx.
  if (registerHooks) {
    registerHooks({
      resolve: (specifier, context, nextResolve) =>
        resolveSourceSync(specifier, context.parentURL, (one) => nextResolve(one, context), onSource),
    });
  } else {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', onSource).unref();
    register('./source-hooks.thread.js', import.meta.url, { data: { sources: port2 }, transferList: [port2] });
  }
  compileInWorkers();
}
