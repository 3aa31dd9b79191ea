import type { NestgraphConfig } from '../config/index.js';
import { migrate, openDatabase } from '../database/index.js';

/** `migrate`: brings the schema up to date. */
export async function migrateDatabase(config: NestgraphConfig): Promise<void> {
  const database = await openDatabase(config, (message) => process.stderr.write(`${message}\n`));
  try {
    const done = await migrate(database.uri);
    const result = done.length > 0 ? `Applied ${done.join(', ')}` : 'The schema is up to date';
    process.stdout.write(`${result}: ${database.location}\n`);
  } finally {
    await database.stop();
  }
}
