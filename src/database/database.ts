import type { NestgraphConfig } from '../config/index.js';
import { StartupError, withoutSecrets } from '../common/index.js';
import { type EmbeddedPostgres, EmbeddedPostgresError, startEmbeddedPostgres } from './embedded/index.js';

/** The database of this process: an external server, or an embedded one that stops with the process. */
export interface Database {
  uri: string;
  /** Location of the data, for the start message. */
  location: string;
  /** False while an embedded server restarts. Absent for an external server. */
  isRunning?(): boolean;
  stop(): Promise<void>;
}

/**
 * Uses the server of DATABASE_URI or starts the embedded one. With `onLost`, a supervisor restarts the embedded server when
 * it ends, and calls `onLost` when that fails. Throws {@link StartupError} when there can be no embedded server.
 */
export async function openDatabase(
  { database, data_directory }: Pick<NestgraphConfig, 'database' | 'data_directory'>,
  log: (message: string) => void,
  onLost?: (error: Error) => void,
): Promise<Database> {
  if (database.uri) {
    return { uri: database.uri, location: withoutSecrets(database.uri), stop: () => Promise.resolve() };
  }
  const embedded = await startEmbedded(data_directory, log, onLost);
  return {
    uri: embedded.uri,
    location: `${embedded.data_directory} (embedded)`,
    isRunning: () => embedded.isRunning(),
    stop: () => embedded.stop(),
  };
}

async function startEmbedded(
  directory: string,
  log: (message: string) => void,
  onLost?: (error: Error) => void,
): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ directory, log, onLost });
  } catch (error) {
    throw error instanceof EmbeddedPostgresError ? new StartupError(error.message, { cause: error }) : error;
  }
}
