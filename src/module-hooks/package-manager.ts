import { existsSync } from 'node:fs';
import path from 'node:path';

/** Each package manager's file that says it is the one in use, and its command that adds packages. */
const ADD: [lockfile: string, command: string][] = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
  ['package-lock.json', 'npm install'],
];

/**
 * The command that upgrades LangGraph and core in a project. A newer LangGraph brings its checkpoint package along; adding
 * that one by itself leaves LangGraph with the old copy under most managers.
 */
export function upgradeCommand(project: string): string {
  const found = foldersAbove(path.join(project, 'langgraph.json'))
    .flatMap((folder) => ADD.filter(([lockfile]) => existsSync(path.join(folder, lockfile))))
    .at(0);
  return `${found?.[1] ?? 'npm install'} @langchain/langgraph@1 @langchain/core@1`;
}

/** The nearest one first. */
export function foldersAbove(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
}
