import type { InitializeHook, ResolveHook } from 'node:module';

/** Runs in Node's hooks thread, see share-langchain.ts. */
const SHARED = /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/;

let anchor: string;

export const initialize: InitializeHook<{ anchor: string }> = (data) => {
  anchor = data.anchor;
};

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  SHARED.test(specifier) ? nextResolve(specifier, { ...context, parentURL: anchor }) : nextResolve(specifier, context);
