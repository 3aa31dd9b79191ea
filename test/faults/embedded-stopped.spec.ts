import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createProject, killIfThere, type Project } from '../support/project.js';
import { killLeftovers, MAIN } from '../support/server.js';
import { askUntil } from '../support/until.js';

let project: Project;
beforeEach(async () => {
  project = await createProject({ graphs: ['waiting.ts', 'steps.ts'] });
});
afterEach(async () => {
  await killLeftovers();
  await project.remove();
});
afterAll(killLeftovers);

const inPostgres = (...parts: string[]): string => path.join(project.folder, '.nestgraph/postgres', ...parts);

/** A server that leads a process group, as if a shell had started it. */
function startGroup(): { server: ChildProcess; group: (signal: NodeJS.Signals) => void; serves: Promise<void> } {
  const server = spawn(process.execPath, [MAIN, 'dev', '--port', '0'], {
    cwd: project.folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const serves = new Promise<void>((resolve) => {
    server.stdout.on('data', (chunk) => String(chunk).includes('Data') && resolve());
  });
  const group = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-server.pid!, signal);
    } catch {
      // All its processes have ended.
    }
  };
  return { server, group, serves };
}

describe('the embedded PostgreSQL stops however the server ends', () => {
  const MOMENTS: [when: string, moment: (serves: Promise<void>) => Promise<unknown>][] = [
    [
      'while the database is made',
      () =>
        askUntil(
          () => Promise.resolve(existsSync(inPostgres()) && readdirSync(inPostgres())),
          (names) => names && names.some((name) => name.startsWith('initdb-')),
        ),
    ],
    [
      'while PostgreSQL starts',
      () =>
        askUntil(
          () => Promise.resolve(existsSync(inPostgres('data/postmaster.pid'))),
          (isThere) => isThere,
        ),
    ],
    ['while it serves', (serves) => serves],
    [
      'while PostgreSQL is started again',
      async (serves) => {
        await serves;
        (await project.postgres()).forEach(killIfThere);
      },
    ],
  ];
  const WAYS: [how: string, signals: NodeJS.Signals[]][] = [
    ['SIGTERM twice', ['SIGTERM', 'SIGTERM']],
    ['SIGTERM and then SIGKILL', ['SIGTERM', 'SIGKILL']],
    ['SIGKILL', ['SIGKILL']],
  ];

  describe.each(MOMENTS)('%s', (_when, moment) => {
    it.each(WAYS)('%s to the process group', async (_how, signals) => {
      const { server, group, serves } = startGroup();
      const ended = once(server, 'exit');
      await moment(serves);
      signals.forEach(group);
      await ended;
      expect(await project.noPostgres()).toEqual([]);
      // It can be started again.
      const again = await project.start();
      expect(await again.stop()).toBe(0);
      expect(await project.noPostgres()).toEqual([]);
    });
  });
});
