// The package managers of projects. npm downloads each in an exact version, so that none must be installed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const NPX = ['npx', '--yes'];
const YARN_BERRY = [...NPX, '--package=@yarnpkg/cli-dist@4.12.0', 'yarn'];

/** `install` and `add` are commands; `exec` is the prefix for a command of an installed package. */
export const MANAGERS = {
  npm: {
    install: ['npm', 'install', '--no-audit', '--no-fund'],
    add: (tarball) => ['npm', 'install', '--no-audit', '--no-fund', '--save-dev', tarball],
    exec: ['npx'],
  },
  pnpm: {
    install: [...NPX, 'pnpm@10.20.0', 'install', '--no-frozen-lockfile'],
    add: (tarball) => [...NPX, 'pnpm@10.20.0', 'add', '--save-dev', '--ignore-workspace-root-check', tarball],
    exec: [...NPX, 'pnpm@10.20.0', 'exec'],
  },
  yarn: {
    install: [...NPX, 'yarn@1.22.22', 'install', '--non-interactive'],
    add: (tarball) => [...NPX, 'yarn@1.22.22', 'add', '--non-interactive', '--dev', '-W', `file:${tarball}`],
    exec: [...NPX, 'yarn@1.22.22', 'run', '--silent'],
  },
  berry: {
    install: [...YARN_BERRY, 'install', '--no-immutable'],
    add: (tarball) => [...YARN_BERRY, 'add', '--dev', `nestgraph@file:${tarball}`],
    exec: [...YARN_BERRY, 'run'],
  },
  bun: {
    install: [...NPX, 'bun@1.3.3', 'install'],
    add: (tarball) => [...NPX, 'bun@1.3.3', 'add', '--dev', tarball],
    // The server itself runs on Node; bun only starts it.
    exec: [...NPX, 'bun@1.3.3', 'run'],
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
