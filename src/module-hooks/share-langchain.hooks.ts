import type { InitializeHook, ResolveHook } from 'node:module';
import { SHARED } from './shared-packages.js';

/** This module runs in Node's hooks thread, see share-langchain.ts. */
let anchor: string;

export const initialize: InitializeHook<{ anchor: string }> = (data) => {
  anchor = data.anchor;
};

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  SHARED.test(specifier) ? nextResolve(specifier, { ...context, parentURL: anchor }) : nextResolve(specifier, context);
