import { reportFatalError } from '../common/index.js';
import type { NestgraphConfig } from '../config/index.js';
import { assertSchemaIsCurrent, type Database, migrate, openDatabase } from '../database/index.js';
import type { OnStop } from './run-until-signal.js';

/** Opens the database and checks its schema: an embedded database, and any database in `dev`, is migrated. */
export async function prepareDatabase(config: NestgraphConfig, onStop: OnStop): Promise<Database> {
  const database = await openDatabase(
    config,
    (message) => process.stderr.write(`${message}\n`),
    ({ message }) => reportFatalError(message),
  );
  onStop(() => database.stop());
  if (config.command === 'dev' || !config.database.uri) {
    await migrate(database.uri);
  } else {
    await assertSchemaIsCurrent(database.uri);
  }
  return database;
}
