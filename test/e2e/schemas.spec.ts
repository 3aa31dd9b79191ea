import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples');
const ANALYSED = /Analysed the source of "(\w+)"/g;

interface Schema {
  properties?: Record<string, object>;
  required?: string[];
}
type Schemas = Record<'input_schema' | 'output_schema' | 'state_schema' | 'context_schema', Schema | null>;

const source = (channel: string): string => `
  import { Annotation, START, StateGraph } from '@langchain/langgraph';
  const State = Annotation.Root({ ${channel} });
  export const graph = new StateGraph(State).addNode('do', () => ({})).addEdge(START, 'do').compile();`;

const schemasOf = async ({ url }: TestServer, graph_id: string): Promise<Schemas> => {
  const { status, json } = await send(`${url}/assistants/${graph_id}/schemas`);
  expect(status).toBe(200);
  return json as Schemas;
};

const propertiesOf = (schema: Schema | null): Record<string, object> => schema?.properties ?? {};

const analysedBy = (server: TestServer): string[] => [...server.output().matchAll(ANALYSED)].map(([, name]) => name);

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await killLeftovers();
  await database?.drop();
});

describe('schemas from the source', () => {
  let project: Project;
  let server: TestServer;

  afterEach(async () => {
    await server?.stop();
    await project?.remove();
  });

  /** A server with its own project, whose only graph has this channel. */
  async function serve(channel: string, env: Record<string, string> = {}): Promise<void> {
    const files = { 'langgraph.json': { graphs: { graph: './graph.ts:graph' } }, 'graph.ts': source(channel) };
    project = await createProject({ files });
    server = await project.start({ database, env: { LOG_LEVEL: 'debug', ...env } });
  }

  it('are derived in a project without its own packages', async () => {
    await serve('path: Annotation<string[]>(), size: Annotation<1 | 2>()');
    expect(propertiesOf((await schemasOf(server, 'graph')).state_schema)).toEqual({
      path: { type: 'array', items: { type: 'string' } },
      size: { type: 'number', enum: [1, 2] },
    });
  });

  it('are derived once for concurrent and later requests', async () => {
    await serve('path: Annotation<string>()');
    const together = await Promise.all([1, 2, 3, 4].map(() => schemasOf(server, 'graph')));
    expect(await schemasOf(server, 'graph')).toEqual(together[0]);
    expect(new Set(together.map((schemas) => JSON.stringify(schemas))).size).toBe(1);
    expect(analysedBy(server)).toEqual(['graph']);
  });

  it('are derived again when the source has changed', async () => {
    await serve('before: Annotation<string>()');
    expect(Object.keys(propertiesOf((await schemasOf(server, 'graph')).state_schema))).toEqual(['before']);
    await project.write('graph.ts', source('after: Annotation<number>()'));
    await server.printed(/Reloaded graph/);
    expect(propertiesOf((await schemasOf(server, 'graph')).state_schema)).toEqual({ after: { type: 'number' } });
    expect(analysedBy(server)).toEqual(['graph', 'graph']);
  });

  it('that take too long are replaced by the names of channels, and the server continues', async () => {
    const env = { LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: '1' };
    await serve('path: Annotation<string[]>()', env);
    const named = { type: 'object', properties: { path: {} } };
    expect(await schemasOf(server, 'graph')).toEqual({
      graph_id: 'graph',
      input_schema: named,
      output_schema: named,
      state_schema: named,
      config_schema: null,
      context_schema: null,
    });
    expect(server.output()).toMatch(/Deriving the schemas of graph "graph" from .*graph\.ts takes longer than 1 ms/);
    // The analysis continues, once for all requests, and then they get what it has found.
    const { state_schema } = await askUntil(
      () => schemasOf(server, 'graph'),
      ({ context_schema }) => context_schema !== null,
    );
    expect(propertiesOf(state_schema)).toEqual({ path: { type: 'array', items: { type: 'string' } } });
    expect(analysedBy(server)).toEqual(['graph']);
  });

  it('do not block the event loop', async () => {
    await serve('path: Annotation<string[]>()');
    const waits: number[] = [];
    const start = performance.now();
    let isDone = false;
    const schemas = schemasOf(server, 'graph').finally(() => (isDone = true));
    while (!isDone) {
      const begin = performance.now();
      await send(`${server.url}/ok`);
      waits.push(performance.now() - begin);
    }
    expect(propertiesOf((await schemas).state_schema)).toHaveProperty('path');
    // An extraction on the event loop would be one wait, nearly as long as all of it.
    expect(waits.length).toBeGreaterThan(20);
    expect(Math.max(...waits)).toBeLessThan((performance.now() - start) / 2);
  });

  it('are complete or not returned by a server that stops', async () => {
    await serve('path: Annotation<string[]>()');
    const asked = schemasOf(server, 'graph').catch(() => undefined);
    await send(`${server.url}/ok`);
    const stopped = server.stop();
    const complete = { path: { type: 'array', items: { type: 'string' } } };
    // A slow machine may not finish within the shutdown timeout of a server.
    const schemas = await asked;
    expect([undefined, complete]).toContainEqual(schemas && propertiesOf(schemas.state_schema));
    expect(await stopped).toBe(0);
  });
});

describe('the schemas of the examples match their types:', () => {
  const TEXT = { type: 'string' };
  const TEXTS = { type: 'array', items: TEXT };
  const STATES: Record<string, { properties: Record<string, object>; required?: string[] }> = {
    chat: { properties: { messages: { langgraph_type: 'messages' } } },
    tools: { properties: { messages: { langgraph_type: 'messages' } } },
    review: {
      properties: { topic: TEXT, text: TEXT, status: { type: 'string', enum: ['draft', 'published', 'rejected'] } },
      required: ['topic'],
    },
    research: {
      properties: { question: TEXT, findings: TEXTS, opinion: TEXT, report: TEXT },
      required: ['question'],
    },
    counter: { properties: { count: { type: 'number' } }, required: ['count'] },
  };
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ database, project: EXAMPLES });
  });
  afterAll(() => server?.stop());

  it.each(Object.entries(STATES))('%s', async (graph_id, { properties, required }) => {
    const schemas = await schemasOf(server, graph_id);
    expect(schemas.state_schema).toMatchObject({ type: 'object', properties });
    expect(schemas.output_schema).toEqual(schemas.state_schema);
    expect(schemas.state_schema?.required).toEqual(required);
    expect(Object.keys(propertiesOf(schemas.input_schema))).toEqual(Object.keys(properties));
    expect(schemas.input_schema).not.toHaveProperty('required');
  });

  it('the config of chat', async () => {
    expect(propertiesOf((await schemasOf(server, 'chat')).context_schema)).toEqual({
      system_prompt: { ...TEXT, description: expect.stringContaining('Be brief') },
    });
  });

  it('the library of research', async () => {
    const { json } = await send(`${server.url}/assistants/research/subgraphs/library`);
    const { library } = json as { library: Schemas };
    expect(propertiesOf(library.state_schema)).toMatchObject({ question: TEXT, pages: TEXTS, findings: TEXTS });
  });
});
