import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { hasPgvector, type PgvectorServer, startPgvector, WITHOUT_PGVECTOR } from '../support/pgvector.js';
import { createProject, type Project } from '../support/project.js';
import { type Client, connect, SDKS } from '../support/sdk.js';
import type { TestServer } from '../support/server.js';
import { type AnyStore, describeStore } from './store.contract.js';

/** The API, through a client. */
const overHttp = ({ store }: Client): AnyStore => ({
  put: (namespace, key, value, index) => store.putItem(namespace, key, value, { index: index as never }),
  get: (namespace, key) => store.getItem(namespace, key),
  delete: (namespace, key) => store.deleteItem(namespace, key),
  search: async (prefix, options) => (await store.searchItems(prefix, options)).items,
  listNamespaces: async (options) => (await store.listNamespaces(options)).namespaces,
});

/** LangGraph's BaseStore in a node of a graph. */
function inGraph({ runs }: Client): AnyStore {
  const call = async <T>(method: string, ...given: unknown[]): Promise<T> => {
    const input = { calls: [[[method, ...given]]] };
    const { answers } = (await runs.wait(null, 'memory', { input })) as { answers: [T & { refused?: string }] };
    const [answer] = answers;
    if (answer?.refused !== undefined) {
      throw new Error(answer.refused);
    }
    return answer;
  };
  return {
    put: (...given) => call('put', ...given),
    get: (...given) => call('get', ...given),
    delete: (...given) => call('delete', ...given),
    search: (...given) => call('search', ...given),
    listNamespaces: (...given) => call('listNamespaces', ...given),
  };
}

/** The batch interface: each operation is one of several in a batch. */
function inBatch({ runs }: Client): AnyStore {
  const other = { namespace: ['nothing', 'here'], key: 'k' };
  const batch = async <T>(operation: object): Promise<T> => {
    const input = { calls: [[['batch', [other, operation, other]]]] };
    const { answers } = (await runs.wait(null, 'memory', { input })) as { answers: [[null, T, null]] };
    const [answer] = answers;
    if ('refused' in answer) {
      throw new Error(answer.refused as string);
    }
    return answer[1];
  };
  return {
    put: (namespace, key, value, index) => batch({ namespace, key, value, index }),
    get: (namespace, key) => batch({ namespace, key }),
    delete: (namespace, key) => batch({ namespace, key, value: null }),
    search: (namespacePrefix, options) => batch({ namespacePrefix, ...options }),
    listNamespaces: ({ prefix: path, suffix, ...options }) =>
      batch({
        matchConditions: [
          ...(path ? [{ matchType: 'prefix', path }] : []),
          ...(suffix ? [{ matchType: 'suffix', path: suffix }] : []),
        ],
        ...options,
      }),
  };
}

const KINDS = [
  { kind: 'vectors in memory', isLeftOut: false },
  { kind: 'pgvector', isLeftOut: !hasPgvector },
];

describe.each(KINDS)('with $kind', ({ kind, isLeftOut }) => {
  if (isLeftOut) {
    it.skip(WITHOUT_PGVECTOR, () => undefined);
    return;
  }
  let postgres: PgvectorServer | undefined;
  let database: { uri: string; drop(): Promise<void> };
  let project: Project;
  let server: TestServer;

  beforeAll(async () => {
    postgres = kind === 'pgvector' ? await startPgvector() : undefined;
    database = await (postgres ?? { createDatabase }).createDatabase();
    const index = { dims: 64, embed: './embedding.ts:embed', fields: ['text'] };
    project = await createProject({ graphs: ['memory.ts', 'embedding.ts'] });
    await project.write('langgraph.json', { graphs: { memory: './memory.ts:graph' }, store: { index } });
    server = await project.start({ database });
  });
  afterAll(async () => {
    await server?.stop();
    await project?.remove();
    await database?.drop();
    await postgres?.stop();
  });

  for (const [version, Client] of SDKS) {
    describeStore(`over HTTP with SDK ${version.replaceAll('.', '-')}`, () => overHttp(connect(Client, server.url)));
  }
  describeStore('in a graph', () => inGraph(connect(SDKS[0][1], server.url)));
  describeStore('in a batch of a graph', () => inBatch(connect(SDKS[0][1], server.url)));
});
