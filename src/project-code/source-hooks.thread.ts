import type { InitializeHook, ResolveHook } from 'node:module';
import type { MessagePort } from 'node:worker_threads';
import { resolveSource } from './resolve-source.js';

/** This module runs in the hooks thread of Node versions without `registerHooks`, see source-hooks.ts. */
let sources: MessagePort;

export const initialize: InitializeHook<{ sources: MessagePort }> = (data) => {
  sources = data.sources;
};

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  resolveSource(
    specifier,
    context.parentURL,
    (one) => nextResolve(one, context),
    (source) => sources.postMessage(source),
  );
