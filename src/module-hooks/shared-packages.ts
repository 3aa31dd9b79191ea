/** Packages that graphs and server share. */
export const PACKAGES = ['@langchain/langgraph', '@langchain/core', '@langchain/langgraph-checkpoint'] as const;

/** Matches imports of these packages and of their subpaths. */
export const SHARED = new RegExp(`^(${PACKAGES.join('|')})(/|$)`);
