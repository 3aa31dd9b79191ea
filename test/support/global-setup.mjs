// One PostgreSQL for the whole test run, with a migrated template from which every test file clones its database.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../../dist/src/database/migrator.js';
import { startEmbeddedPostgres } from '../../dist/src/database/embedded/index.js';

export const TEMPLATE = 'nestgraph_template';

export default async function globalSetup() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-test-'));
  // PostgreSQL does not run as root: if its account cannot enter the folder, the data would be stored elsewhere and remain.
  chmodSync(directory, 0o755);
  const postgres = await startEmbeddedPostgres({ directory, log: () => undefined });
  const admin = new pg.Client(postgres.uri);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  await admin.end();
  await migrate(postgres.uri.replace('@/nestgraph?', `@/${TEMPLATE}?`));
  process.env.TEST_DATABASE_URI = postgres.uri;
  globalThis.stopTestDatabase = async () => {
    await postgres.stop();
    rmSync(postgres.data_directory, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  };
}
