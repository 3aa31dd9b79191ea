import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/src/database/embedded/index.js';

/** A connection to the database of a deployment. Starts the database if necessary, and then stops it. */
export async function openDatabase(directory) {
  const embedded = await startEmbeddedPostgres({ directory, log: () => undefined });
  const client = new pg.Client({ connectionString: embedded.uri, application_name: 'bench' });
  await client.connect();
  const close = async () => {
    await client.end();
    await embedded.stop();
  };
  return { client, close };
}
