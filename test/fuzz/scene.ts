import { readFileSync } from 'node:fs';
import { Client } from 'langgraph-sdk-newest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import type { TestServer } from '../support/server.js';
import { SECRETS } from './leaks.js';
import { Places } from './places.js';
import { GRAPHS } from './words.js';

/** A server under attack. */
export interface Scene {
  readonly server: TestServer;
  readonly database: TestDatabase;
  readonly places: Places;
  /** The API key of requests; absent without authentication. */
  readonly key?: string;
  /** Creates threads with a history that requests can use. */
  plant(): Promise<void>;
  end(): Promise<void>;
}

export interface SceneOptions {
  /**
   * The server executes runs, and users see only their own resources. Otherwise every client sees all resources, and only
   * requests change anything.
   */
  works: boolean;
}

const KEY = 'the-key-that-requests-are-sent-with';

export async function createScene({ works }: SceneOptions): Promise<Scene> {
  const database = await createDatabase();
  const project = await createProject({
    graphs: GRAPHS.map((graph) => `${graph}.ts`),
    files: { 'secret.txt': SECRETS.file },
  });
  const key = works ? KEY : undefined;
  const keys = { NESTGRAPH_API_KEYS: `fuzz:${KEY},another:${SECRETS.key}` };
  const planter = await start(project, database, works ? keys : {});
  const masters = await plantMasters(connect(planter.url, key));
  let server = planter;
  if (!works) {
    await planter.stop();
    await project.write('langgraph.json', quiet(project));
    server = await start(project, database, {
      N_JOBS_PER_WORKER: '0',
      NESTGRAPH_STATELESS_RETENTION_SECS: '86400',
    });
  }
  const client = connect(server.url, key);
  // Takes seconds; the result is cached.
  await Promise.all(GRAPHS.map((graph) => client.assistants.getSchemas(graph)));
  const places = new Places(masters);
  return {
    server,
    database,
    places,
    key,
    plant: () => plant(client, masters, places),
    end: async () => {
      await server.stop();
      await database.drop();
      await project.remove();
    },
  };
}

const start = (project: Project, database: TestDatabase, env: Record<string, string> = {}): Promise<TestServer> =>
  project.start({
    database,
    env: {
      FUZZ_SECRET: SECRETS.FUZZ_SECRET,
      NESTGRAPH_BODY_LIMIT_MB: '1',
      // Requests of the suite have arbitrary hosts and origins.
      NESTGRAPH_ALLOWED_HOSTS: 'fuzz',
      CORS_ALLOW_ORIGINS: '*',
      NESTGRAPH_WEBHOOK_SECRET: SECRETS.FUZZ_SECRET,
      ...env,
    },
  });

/** Disables background work of the server, or delays it until after the suite. */
function quiet({ folder }: Project): object {
  const { graphs } = JSON.parse(readFileSync(`${folder}/langgraph.json`, 'utf8')) as { graphs: object };
  return {
    graphs,
    http: { disable_webhooks: true },
    checkpointer: { ttl: { strategy: 'delete', sweep_interval_minutes: 30_000 } },
    store: { ttl: { sweep_interval_minutes: 30_000 } },
  };
}

/** Not during a test, except on New Year's Eve. */
const YEARLY = '59 23 31 12 *';
const INPUT = { messages: [{ role: 'user', content: 'Hello' }], question: 'why?' };

/** Threads with checkpoints. Requests use only copies of them. */
export async function plantMasters(client: Client): Promise<string[]> {
  return Promise.all(
    GRAPHS.map(async (graph) => {
      const { thread_id } = await client.threads.create();
      for (let round = 0; round < 2; round += 1) {
        await client.runs.wait(thread_id, graph, { input: INPUT, raiseError: false });
      }
      return thread_id;
    }),
  );
}

/** Creates one resource of each kind that requests can use. */
export async function plant(client: Client, masters: string[], places: Places): Promise<void> {
  for (const master of masters) {
    await plantOne(client, master, places).catch(leaveOut);
  }
}

/** Other clients may find and delete a resource before the place is complete: then the place is skipped. */
function leaveOut(error: unknown): void {
  if (!(error instanceof Error && 'status' in error && error.status === 404)) {
    throw error;
  }
}

async function plantOne(client: Client, master: string, places: Places): Promise<void> {
  const { assistant_id } = await client.assistants.create({ graphId: 'steps', name: 'planted' });
  const { thread_id } = (await client.threads.copy(master)) as unknown as { thread_id: string };
  const [newest] = await client.threads.getHistory(thread_id, { limit: 1 });
  const [task] = newest?.tasks ?? [];
  const { run_id } = await client.runs.create(thread_id, assistant_id, { input: INPUT });
  const { cron_id } = await client.crons.create(assistant_id, { schedule: YEARLY });
  const checkpoint_id = newest?.checkpoint.checkpoint_id ?? undefined;
  const checkpoint_ns = task?.checkpoint?.checkpoint_ns ?? '';
  places.add({ thread_id, run_id, cron_id, checkpoint_ns, assistant_id, ...(checkpoint_id && { checkpoint_id }) });
}

export const connect = (apiUrl: string, apiKey: string | null = null): Client =>
  new Client({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
