import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { upgradeCommand } from './package-manager.js';

/** A workspace with this lockfile at its root, and a project in it. */
function projectIn(...lockfiles: string[]): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-'));
  lockfiles.forEach((lockfile) => writeFileSync(path.join(root, lockfile), ''));
  const project = path.join(root, 'apps/agent');
  mkdirSync(project, { recursive: true });
  return project;
}

describe('upgradeCommand', () => {
  it.each([
    ['package-lock.json', 'npm install'],
    ['yarn.lock', 'yarn add'],
    ['pnpm-lock.yaml', 'pnpm add'],
    ['bun.lock', 'bun add'],
    ['bun.lockb', 'bun add'],
  ])('for a workspace with %s is %s', (lockfile, command) => {
    expect(upgradeCommand(projectIn(lockfile))).toBe(`${command} @langchain/langgraph@1 @langchain/core@1`);
  });

  it('uses the nearest lockfile', () => {
    const project = projectIn('pnpm-lock.yaml');
    writeFileSync(path.join(project, 'yarn.lock'), '');
    expect(upgradeCommand(project)).toMatch(/^yarn add /);
  });

  it('uses npm without a lockfile', () => {
    expect(upgradeCommand(projectIn())).toMatch(/^npm install /);
  });
});
