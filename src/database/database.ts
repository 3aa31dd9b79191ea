import type { NestgraphConfig } from '../config/index.js';
import { withoutSecrets } from '../common/index.js';
import { startEmbeddedPostgres } from './embedded/index.js';

/** The database of this process: a server that was named, or an embedded one that is stopped with us. */
export interface Database {
  uri: string;
  /** Where the data is, for the first lines of output. */
  location: string;
  stop(): Promise<void>;
}

/** Uses the server of DATABASE_URI or starts the embedded one. */
export async function openDatabase(
  { database, data_directory }: Pick<NestgraphConfig, 'database' | 'data_directory'>,
  log: (message: string) => void,
): Promise<Database> {
  if (database.uri) {
    return { uri: database.uri, location: withoutSecrets(database.uri), stop: () => Promise.resolve() };
  }
  const embedded = await startEmbeddedPostgres({ directory: data_directory, log });
  return { uri: embedded.uri, location: `${embedded.data_directory} (embedded)`, stop: () => embedded.stop() };
}
