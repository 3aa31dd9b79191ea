/** Packages of which graphs and server share one copy. */
export const PACKAGES = ['@langchain/langgraph', '@langchain/core', '@langchain/langgraph-checkpoint'] as const;

/** Imports of these packages and of their parts. */
export const SHARED = new RegExp(`^(${PACKAGES.join('|')})(/|$)`);
