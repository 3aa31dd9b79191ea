/** Packages of which graphs and server share one copy. */
export const SHARED = /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/;
