// The package managers of projects. npm downloads each in an exact version, so that none must be installed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const VERSIONS = { yarn: '1.22.22', berry: '4.12.0', pnpm: '10.20.0', bun: '1.3.3' };

const NPX = ['npx', '--yes'];
const PNPM = [...NPX, `pnpm@${VERSIONS.pnpm}`];
const YARN = [...NPX, `yarn@${VERSIONS.yarn}`];
const YARN_BERRY = [...NPX, `--package=@yarnpkg/cli-dist@${VERSIONS.berry}`, 'yarn'];
const BUN = [...NPX, `bun@${VERSIONS.bun}`];

/**
 * `install` and `add` are commands; `exec` is the prefix for a command of an installed package. `npx` does not install
 * Nestgraph in the project.
 */
export const MANAGERS = {
  npm: {
    install: ['npm', 'install', '--no-audit', '--no-fund'],
    add: (tarball) => ['npm', 'install', '--no-audit', '--no-fund', '--save-dev', tarball],
    exec: () => ['npx'],
  },
  npx: {
    install: ['npm', 'install', '--no-audit', '--no-fund'],
    // Only fills the cache of npx, so that the start takes no longer than with the others.
    add: (tarball) => [...NPX, '--package', tarball, 'nestgraph', '--version'],
    exec: (tarball) => [...NPX, '--package', tarball],
  },
  pnpm: {
    install: [...PNPM, 'install', '--no-frozen-lockfile'],
    add: (tarball) => [...PNPM, 'add', '--save-dev', '--ignore-workspace-root-check', tarball],
    exec: () => [...PNPM, 'exec'],
  },
  yarn: {
    install: [...YARN, 'install', '--non-interactive'],
    // The only one that refuses packages because of the Node version that they declare: three dependencies declare 22, and run on 20.
    add: (tarball, node_major) => [
      ...[...YARN, 'add', '--non-interactive', '--dev', '-W'],
      ...(node_major < 22 ? ['--ignore-engines'] : []),
      `file:${tarball}`,
    ],
    exec: () => [...YARN, 'run', '--silent'],
  },
  berry: {
    install: [...YARN_BERRY, 'install', '--no-immutable'],
    add: (tarball) => [...YARN_BERRY, 'add', '--dev', `nestgraph@file:${tarball}`],
    exec: () => [...YARN_BERRY, 'run'],
  },
  bun: {
    install: [...BUN, 'install'],
    add: (tarball) => [...BUN, 'add', '--dev', tarball],
    // The server itself runs on Node; bun only starts it.
    exec: () => [...BUN, 'run'],
  },
};

/** Detects the package manager from the nearest `packageManager` of a package.json or lock file above a folder. */
export function managerOf(folder, root) {
  for (let here = folder; here.startsWith(root); here = path.dirname(here)) {
    const name = namedIn(here) ?? lockedIn(here);
    if (name) {
      return name;
    }
  }
  return 'npm';
}

function namedIn(folder) {
  const manifest = path.join(folder, 'package.json');
  const { packageManager } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {};
  const [, name, major] = /^(npm|pnpm|yarn|bun)@(\d+)/.exec(packageManager ?? '') ?? [];
  return name === 'yarn' && Number(major) > 1 ? 'berry' : name;
}

function lockedIn(folder) {
  const has = (file) => existsSync(path.join(folder, file));
  if (has('yarn.lock')) {
    return has('.yarnrc.yml') ? 'berry' : 'yarn';
  }
  return has('pnpm-lock.yaml')
    ? 'pnpm'
    : has('bun.lock') || has('bun.lockb')
      ? 'bun'
      : has('package-lock.json')
        ? 'npm'
        : undefined;
}
