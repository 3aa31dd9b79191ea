import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { respelledRows } from '../support/respelled.js';
import { killLeftovers } from '../support/server.js';
import { attack, type Counts } from './attack.js';
import { noteChanges } from './changes.js';
import { ROUTES } from './routes.js';
import { createScene, type Scene } from './scene.js';

/** The same numbers give the same requests again. */
const SEED = Number(process.env.NESTGRAPH_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const REQUESTS = Number(process.env.NESTGRAPH_FUZZ_REQUESTS ?? 10_000);
/** Optional output file for the counts by route. */
const REPORT = process.env.NESTGRAPH_FUZZ_REPORT;

/** Maximum memory of the server afterwards, in MiB. */
const MAX_MEMORY_MB = 1_000;

const allCounts: Counts[] = [];

/** Number of concurrent clients. */
const CLIENTS = 4;

describe.each([
  ['that executes runs', true],
  ['that changes nothing by itself', false],
])(`with seed ${SEED} a server %s`, (name, works) => {
  let scene: Scene;
  const counts: Counts = new Map();
  allCounts.push(counts);

  beforeAll(async () => {
    scene = await createScene({ works });
  });
  afterAll(async () => {
    await scene?.end();
    await killLeftovers();
    if (REPORT) {
      writeFileSync(`${REPORT}-${works ? 'works' : 'quiet'}.txt`, `${name}\n${table(counts)}\n`);
    }
  });

  if (works) {
    it(`answers ${REQUESTS / 2} requests without a server error or a leak`, async () => {
      const requests = Math.ceil(REQUESTS / 2 / CLIENTS);
      const clients = Array.from({ length: CLIENTS }, (_, index) =>
        attack({ scene, seed: SEED + index, requests, counts }),
      );
      await Promise.all(clients);
    });
  } else {
    it(`answers ${REQUESTS / 2} requests and changes nothing if it rejects one`, async () => {
      const changes = await noteChanges(scene.database.pool);
      await attack({ scene, seed: SEED + CLIENTS, requests: REQUESTS / 2, counts, changes });
    });
  }

  it('is still running, within its memory limit', async () => {
    const answer = await fetch(`${scene.server.url}/ok?check_db=1`);
    expect(answer.status).toBe(200);
    expect(residentMegabytes(scene.server.pid)).toBeLessThan(MAX_MEMORY_MB);
  });

  it('stores every id in lower case, regardless of its spelling', async () => {
    expect(await respelledRows(scene.database.pool)).toEqual([]);
  });

  it('has logged no unexpected error', () => {
    expect(
      scene.server
        .output()
        .split('\n')
        .filter((line) => /\bERROR\b/.test(line)),
    ).toEqual([]);
  });
});

it('every route has accepted and rejected requests', () => {
  const statuses = (route: string): number[] => allCounts.flatMap((counts) => [...(counts.get(route)?.keys() ?? [])]);
  const without = (isRight: (status: number) => boolean): string[] =>
    ROUTES.map(({ name }) => name).filter((route) => !statuses(route).some(isRight));
  expect(without((status) => status < 300)).toEqual([]);
  // Any request may be too large.
  expect(without((status) => status >= 400)).toEqual([]);
});

/** Unknown on other systems than Linux. */
function residentMegabytes(pid: number): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return 0;
  }
}

function table(counts: Counts): string {
  const lines = [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([route, statuses]) => {
      const all = [...statuses.values()].reduce((sum, one) => sum + one, 0);
      const each = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
      return `${route} ${all} (${each.join(', ')})`;
    });
  return lines.join('\n');
}
