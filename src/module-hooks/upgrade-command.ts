import path from 'node:path';
import { graphFiles } from './graph-files.js';
import { foldersAbove, installCommand, type ProjectManifest, readManifest } from '../project-code/package-manager.js';

const LANGGRAPH = '@langchain/langgraph';

/**
 * A newer LangGraph brings its checkpoint package along; adding that one by itself leaves LangGraph with the old copy under
 * most managers. `latest`, because pnpm and bun keep an installed version that a range such as `1` allows.
 */
const UPGRADED = [LANGGRAPH, '@langchain/core'];

/** Packages that are made for one major version of core. */
const BESIDE_CORE = /^(@langchain\/|langchain$)/;

/** A range of the versions before 1.0, which do not work with a core of 1.x. */
const BEFORE_1 = /^[~^]?0\./;

/**
 * The command that upgrades LangGraph, core, and what is declared beside them for an older core, in the package that declares
 * LangGraph: above the first graph, else the folder of langgraph.json. `more` are further packages, with their versions.
 */
export function upgradeCommand(configFile: string, more: readonly string[] = []): string {
  const project = path.dirname(configFile);
  const above = foldersAbove(graphFiles(configFile)[0]);
  const home = above.find((folder) => LANGGRAPH in declared(readManifest(folder))) ?? project;
  const older = Object.entries(declared(readManifest(home)))
    .filter(([name, range]) => BESIDE_CORE.test(name) && !UPGRADED.includes(name) && BEFORE_1.test(range))
    .map(([name]) => name);
  const packages = [...UPGRADED, ...older].map((name) => `${name}@latest`);
  return [installCommand(home, project, [...packages, ...more]), ...pinned(above)].join(' ');
}

const declared = ({ dependencies, devDependencies }: ProjectManifest): Record<string, string> => ({
  ...devDependencies,
  ...dependencies,
});

/** What a package.json above forces on every package would make the command do nothing. */
function pinned(above: readonly string[]): string[] {
  return above.flatMap((folder) => {
    const { overrides, resolutions, pnpm } = readManifest(folder);
    const names = Object.keys({ ...overrides, ...resolutions, ...pnpm?.overrides });
    const ours = names.filter((name) => UPGRADED.includes(name) || name === `${LANGGRAPH}-checkpoint`);
    return ours.length > 0 ? [`(first remove ${ours.join(', ')} from the overrides in ${folder}/package.json)`] : [];
  });
}
