import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { addCommand, packageOf } from './package-manager.js';

/** A workspace with this lock file at its root, and a package in it. */
function workspaceWith(lockfile?: string, content = ''): { root: string; member: string } {
  const root = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-'));
  if (lockfile) {
    writeFileSync(path.join(root, lockfile), content);
  }
  writeFileSync(path.join(root, 'package.json'), JSON.stringify({ workspaces: ['apps/*'] }));
  const member = path.join(root, 'apps/agent');
  mkdirSync(member, { recursive: true });
  return { root, member };
}

describe('addCommand', () => {
  it.each([
    ['package-lock.json', '', 'npm install', 'npm install'],
    ['yarn.lock', '# yarn lockfile v1', 'yarn add', 'yarn add -W'],
    ['yarn.lock', '__metadata:', 'yarn add', 'yarn add'],
    ['pnpm-lock.yaml', '', 'pnpm add', 'pnpm add -w'],
    ['bun.lock', '', 'bun add', 'bun add'],
    ['bun.lockb', '', 'bun add', 'bun add'],
  ])('with %s (%j) is %j in a package of the workspace and %j at its root', (lockfile, content, inMember, atRoot) => {
    const { root, member } = workspaceWith(lockfile, content);
    expect([addCommand(member), addCommand(root)]).toEqual([inMember, atRoot]);
  });

  it('is that of the nearest lock file', () => {
    const { member } = workspaceWith('pnpm-lock.yaml');
    writeFileSync(path.join(member, 'yarn.lock'), '');
    expect(addCommand(member)).toBe('yarn add');
  });

  it("is npm's without any", () => {
    expect(addCommand(workspaceWith().member)).toBe('npm install');
  });
});

describe('packageOf', () => {
  it('is the nearest package, and the project for its own files and for installed packages', () => {
    const { root, member } = workspaceWith();
    writeFileSync(path.join(member, 'package.json'), '{}');

    expect(packageOf(path.join(member, 'src/a.ts'), root)).toBe(member);
    expect(packageOf(path.join(root, 'src/a.ts'), root)).toBe(root);
    expect(packageOf(path.join(root, 'src/a.ts'), path.join(root, 'graphs'))).toBe(path.join(root, 'graphs'));
    expect(packageOf(path.join(member, 'node_modules/parrots/index.js'), root)).toBe(root);
    expect(packageOf('/nowhere/a.ts', root)).toBe(root);
  });
});
