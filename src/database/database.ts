import type { NestgraphConfig } from '../config/index.js';
import { withoutSecrets } from '../common/index.js';
import { startEmbeddedPostgres } from './embedded/index.js';

/** The database of this process: a server that was named, or an embedded one that is stopped with us. */
export interface Database {
  uri: string;
  /** Where the data is, for the first lines of output. */
  location: string;
  /** False while an embedded server is being started again. Absent for a server that is not ours. */
  isRunning?(): boolean;
  stop(): Promise<void>;
}

/**
 * Uses the server of DATABASE_URI or starts the embedded one. With `onLost` that is kept running; `onLost` is called when it
 * cannot be.
 */
export async function openDatabase(
  { database, data_directory }: Pick<NestgraphConfig, 'database' | 'data_directory'>,
  log: (message: string) => void,
  onLost?: (error: Error) => void,
): Promise<Database> {
  if (database.uri) {
    return { uri: database.uri, location: withoutSecrets(database.uri), stop: () => Promise.resolve() };
  }
  const embedded = await startEmbeddedPostgres({ directory: data_directory, log, onLost });
  return {
    uri: embedded.uri,
    location: `${embedded.data_directory} (embedded)`,
    isRunning: () => embedded.isRunning(),
    stop: () => embedded.stop(),
  };
}
