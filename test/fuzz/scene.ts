import { readFileSync } from 'node:fs';
import { Client } from 'langgraph-sdk-newest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import type { TestServer } from '../support/server.js';
import { SECRETS } from './leaks.js';
import { Places } from './places.js';
import { GRAPHS } from './words.js';

/** A server that is attacked. */
export interface Scene {
  readonly server: TestServer;
  readonly database: TestDatabase;
  readonly places: Places;
  /** That requests are sent with; without it everybody is let in. */
  readonly key?: string;
  /** Makes threads with a past, for requests to be about. */
  plant(): Promise<void>;
  end(): Promise<void>;
}

export interface SceneOptions {
  /**
   * The server executes runs, for users who see what is theirs. Without it everybody sees everything, and nothing changes but
   * by requests.
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
  const keys = { NESTGRAPH_API_KEYS: `fuzz:${KEY},somebody:${SECRETS.key}` };
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
  // Seconds of work once, which is kept.
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
      // Requests of the suite have hosts and origins of all kinds.
      NESTGRAPH_ALLOWED_HOSTS: 'fuzz',
      CORS_ALLOW_ORIGINS: '*',
      NESTGRAPH_WEBHOOK_SECRET: SECRETS.FUZZ_SECRET,
      ...env,
    },
  });

/** Whatever a server does by itself is off, or comes after the suite. */
function quiet({ folder }: Project): object {
  const { graphs } = JSON.parse(readFileSync(`${folder}/langgraph.json`, 'utf8')) as { graphs: object };
  return {
    graphs,
    http: { disable_webhooks: true },
    checkpointer: { ttl: { strategy: 'delete', sweep_interval_minutes: 30_000 } },
    store: { ttl: { sweep_interval_minutes: 30_000 } },
  };
}

/** Not during a test, unless somebody stays up for it. */
const YEARLY = '59 23 31 12 *';
const INPUT = { messages: [{ role: 'user', content: 'Hello' }], question: 'why?' };

/** Threads with checkpoints, which requests do not know of: those get copies. */
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

/** One of everything, for requests to be about. */
export async function plant(client: Client, masters: string[], places: Places): Promise<void> {
  for (const master of masters) {
    await plantOne(client, master, places).catch(leaveOut);
  }
}

/** Other clients find what is planted before it is complete, and may delete it: then there is one place less. */
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
