import { existsSync } from 'node:fs';
import path from 'node:path';

/** The lockfile of each package manager, and its command that adds packages. */
const ADD: [lockfile: string, command: string][] = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
  ['package-lock.json', 'npm install'],
];

/**
 * The command that upgrades LangGraph and core in a project. LangGraph installs its own checkpoint package. Adding that
 * package alone would leave LangGraph with the old copy under most package managers.
 */
export function upgradeCommand(project: string): string {
  const found = foldersAbove(path.join(project, 'langgraph.json'))
    .flatMap((folder) => ADD.filter(([lockfile]) => existsSync(path.join(folder, lockfile))))
    .at(0);
  return `${found?.[1] ?? 'npm install'} @langchain/langgraph@1 @langchain/core@1`;
}

/** All folders above a file, the nearest one first. */
export function foldersAbove(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
}
