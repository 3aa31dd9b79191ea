import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killLeftovers, startServer, TEST_PROJECT, type TestServer } from '../support/server.js';
import { SECRETS } from './leaks.js';
import { rawAttack } from './raw-attack.js';

/** The same numbers give the same requests again. */
const SEED = Number(process.env.NESTGRAPH_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const REQUESTS = Number(process.env.NESTGRAPH_FUZZ_REQUESTS ?? 10_000);

const KEY = 'the-key-that-requests-are-sent-with';
const KEYS = { NESTGRAPH_API_KEYS: `fuzz:${KEY}` };
const GRAPHS = { graphs: { echo: './echo.ts:graph' } };

/** All configurations of request processing before a route. */
const SERVERS: [name: string, config: object, env: Record<string, string>][] = [
  ['with keys', GRAPHS, KEYS],
  ['with keys, limits and a proxy that it trusts', GRAPHS, { ...KEYS, NESTGRAPH_TRUST_PROXY: 'loopback', NESTGRAPH_RATE_LIMIT_PER_MINUTE: '1000000', NESTGRAPH_MAX_STREAMS_PER_CALLER: '5' }], // prettier-ignore
  ['with a custom app that answers before callers are known', { ...GRAPHS, http: { app: './web/app.ts:app', mount_prefix: '/lg' } }, KEYS], // prettier-ignore
  ['with a custom app for known callers and logged headers', { ...GRAPHS, http: { app: './web/app.ts:app', enable_custom_route_auth: true, logging_headers: { includes: ['*'] } } }, KEYS], // prettier-ignore
];

describe.each(SERVERS)(`with seed ${SEED} a server %s`, (name, config, env) => {
  const statuses = new Map<number, number>();
  const file = path.join(
    TEST_PROJECT,
    `raw-requests-${process.pid}-${SERVERS.findIndex(([one]) => one === name)}.json`,
  );
  let database: TestDatabase;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    await writeFile(file, JSON.stringify(config));
    const secrets = { FUZZ_SECRET: SECRETS.FUZZ_SECRET };
    server = await startServer({ database, args: ['--config', file], env: { ...env, ...secrets } });
  });
  afterAll(async () => {
    await server?.stop();
    await killLeftovers();
    await database?.drop();
    await rm(file, { force: true });
  });

  it('responds to no request with 5xx, regardless of its line and headers', async () => {
    await rawAttack({ server, key: KEY, seed: SEED, requests: Math.ceil(REQUESTS / SERVERS.length), statuses });
  });

  it('has accepted some requests, and rejected others with several statuses', () => {
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405, 422]));
  });

  it('is healthy, and has logged no error', async () => {
    expect((await fetch(`${server.url}/ok?check_db=1`)).status).toBe(200);
    const faults = server.output().split('\n').filter((line) => /\bERROR\b/.test(line)); // prettier-ignore
    expect(faults).toEqual([]);
  });
});
