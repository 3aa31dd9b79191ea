import { endBrokenProcess } from '../common/index.js';
import type { NestgraphConfig } from '../config/index.js';
import { assertSchemaIsCurrent, type Database, migrate, openDatabase } from '../database/index.js';
import type { OnStop } from './run-until-signal.js';

/** Opens the database and sees to its schema: an embedded one and that of `dev` are migrated, others must be current. */
export async function prepareDatabase(config: NestgraphConfig, onStop: OnStop): Promise<Database> {
  const database = await openDatabase(
    config,
    (message) => process.stderr.write(`${message}\n`),
    ({ message }) => endBrokenProcess(message),
  );
  onStop(() => database.stop());
  if (config.command === 'dev' || !config.database.uri) {
    await migrate(database.uri);
  } else {
    await assertSchemaIsCurrent(database.uri);
  }
  return database;
}
