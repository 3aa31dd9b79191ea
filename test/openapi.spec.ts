import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AUTH_EVENTS } from '../src/auth/auth-events.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, send } from './support/http.js';
import { open } from './support/raw-response.js';
import { killLeftovers, runToEnd, startServer, type TestServer } from './support/server.js';

const ROOT = path.resolve(import.meta.dirname, '..');

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  allOf?: Schema[];
  example?: unknown;
}

interface Content {
  schema?: Schema;
  examples?: Record<string, { value: unknown }>;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
  example?: unknown;
}

interface Operation {
  operationId: string;
  'x-permission': string[];
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { description: string; content?: Record<string, Content> }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const committed = readFileSync(path.join(ROOT, 'openapi.json'), 'utf8');
const document = JSON.parse(committed) as Document;

const operations = Object.entries(document.paths).flatMap(([route, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${route}`, operation })),
);

it('openapi.json is what the program prints: run `npm run openapi` after a change', async () => {
  const { code, output } = await runToEnd(['openapi']);

  expect(code).toBe(0);
  expect(JSON.parse(output)).toEqual(document);
  expect(output).toBe(committed);
});

it('every reference leads to a schema', () => {
  const references = [...committed.matchAll(/"\$ref": "([^"]*)"/g)].map(([, reference]) => reference);
  const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);

  expect(references.length).toBeGreaterThan(0);
  expect(references.filter((reference) => !known.includes(reference))).toEqual([]);
});

it('the page puts in the last run and checkpoint where the examples have a placeholder', () => {
  const script = readFileSync(path.join(ROOT, 'src/openapi.ts'), 'utf8');
  const placeholders = operations
    .flatMap(({ operation }) => operation.parameters ?? [])
    .filter(({ name }) => name === 'run_id' || name === 'checkpoint_id')
    .map(({ example, schema }) => String(example ?? schema?.example));

  expect(new Set(placeholders).size).toBe(2);
  for (const placeholder of placeholders) {
    expect(script).toContain(placeholder);
  }
});

it('every operation names its permission, and only those of the server need none', () => {
  const known: string[] = [...AUTH_EVENTS];
  const unknown = operations.filter(({ operation }) => !operation['x-permission'].every((one) => known.includes(one)));
  const open = operations.filter(({ operation }) => operation['x-permission'].length === 0);

  expect(unknown.map(({ name }) => name)).toEqual([]);
  expect(open.map(({ name }) => name)).toEqual(['GET /ok', 'GET /info', 'GET /metrics']);
});

it('no operation id is used twice', () => {
  const ids = operations.map(({ operation }) => operation.operationId);

  expect(new Set(ids).size).toBe(ids.length);
});

describe.each(operations.map(({ name, operation }) => [name, operation] as const))('%s', (_name, operation) => {
  const { parameters = [], requestBody, responses } = operation;

  it('says what it does', () => {
    expect(operation.summary).toEqual(expect.stringMatching(/^[A-Z].{5,}/));
    expect(operation.description).toEqual(expect.stringMatching(/\S.{5,}/));
    expect(operation.tags).toHaveLength(1);
  });

  it('says what it answers', () => {
    const good = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    const withBody = good.filter(([status]) => status !== '202' && status !== '204');

    expect(good.length).toBeGreaterThan(0);
    for (const [, { content = {} }] of withBody) {
      expect(Object.values(content).map(({ schema }) => schema)).not.toEqual([]);
      expect(Object.values(content).map(({ schema }) => schema)).not.toContain(undefined);
    }
  });

  it('says how it refuses', () => {
    const refusals = Object.entries(responses).filter(([status]) => status.startsWith('4'));
    if (parameters.length > 0 || requestBody) {
      expect(refusals.map(([status]) => status)).toContain('422');
    }
    for (const [, { description, content = {} }] of refusals) {
      expect(description).not.toBe('');
      expect(content).toEqual({ 'application/json': { schema: { $ref: '#/components/schemas/ErrorBody' } } });
    }
  });

  it('says what its parameters mean', () => {
    expect(parameters.filter(({ description }) => !description).map(({ name }) => name)).toEqual([]);
  });

  it('has an example for its body', () => {
    for (const { examples = {} } of Object.values(requestBody?.content ?? {})) {
      expect(Object.keys(examples)).not.toEqual([]);
    }
  });
});

describe.each(Object.entries(document.components.schemas))('schema %s', (_name, { properties = {} }) => {
  it('has a sentence for every property', () => {
    const silent = Object.entries(properties).filter(([, { description }]) => !description?.trim());

    expect(silent.map(([property]) => property)).toEqual([]);
  });
});

describe('the examples, sent in order to a server on the bundled graphs,', () => {
  let database: TestDatabase;
  let server: TestServer;
  let last: { run_id?: string; checkpoint_id?: string; cron_id?: string } = {};

  /** What has to come before everything else, and what after: all other operations stand between. */
  const FIRST = ['POST /assistants', 'POST /threads', 'POST /threads/{thread_id}/runs/wait', 'POST /runs/wait'];
  const LAST = [
    'POST /threads/{thread_id}/runs',
    'POST /threads/{thread_id}/runs/{run_id}/cancel',
    'DELETE /threads/{thread_id}/runs/{run_id}',
    'DELETE /threads/{thread_id}',
    'DELETE /assistants/{assistant_id}',
  ];
  /** Refused when there is nothing to cancel: sent to a server that does not execute its runs. */
  const CANCEL_MANY = 'POST /runs/cancel';
  /** Lasts as long as its thread. */
  const ENDLESS = 'GET /threads/{thread_id}/stream';

  const names = operations.map(({ name }) => name);
  const middle = names.filter((name) => ![...FIRST, ...LAST, CANCEL_MANY, ENDLESS].includes(name));
  const order = [...FIRST, ...middle, ...LAST];

  beforeAll(async () => {
    database = await createDatabase();
    server = await startServer({ database, project: path.join(ROOT, 'examples') });
  });
  afterAll(async () => {
    await server?.stop();
    await killLeftovers();
    await database?.drop();
  });

  /** Like the page: ids of runs, checkpoints and crons are the last ones seen. */
  function remember({ headers, text }: Answer): void {
    const [, run_id] = /\/runs\/([0-9a-f-]{36})$/.exec(headers.get('content-location') ?? '') ?? [];
    const [, checkpoint_id] = /"checkpoint_id":"([0-9a-f-]{36})"/.exec(text) ?? [];
    const [, cron_id] = /"cron_id":"([0-9a-f-]{36})"/.exec(text) ?? [];
    last = {
      run_id: run_id ?? last.run_id,
      checkpoint_id: checkpoint_id ?? last.checkpoint_id,
      cron_id: cron_id ?? last.cron_id,
    };
  }

  function pathOf(route: string, { parameters = [] }: Operation): string {
    const valueOf = ({ name, schema, example }: Parameter): string => {
      const value = last[name as keyof typeof last] ?? schema?.example ?? example;
      expect(typeof value).toBe('string');
      return String(value);
    };
    const query = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
    const search = new URLSearchParams(
      Object.fromEntries(query.map((one) => [one.name, valueOf(one)])) as Record<string, string>,
    );
    const path = parameters
      .filter((parameter) => parameter.in === 'path')
      .reduce((path, parameter) => path.replace(`{${parameter.name}}`, valueOf(parameter)), route);
    return query.length > 0 ? `${path}?${search.toString()}` : path;
  }

  async function sendExamples(name: string, url = server.url): Promise<void> {
    const [method, route] = name.split(' ');
    const operation = document.paths[route][method.toLowerCase()];
    const examples = operation.requestBody?.content['application/json']?.examples;
    const bodies = examples ? Object.values(examples).map(({ value }) => JSON.stringify(value)) : [undefined];
    for (const body of bodies) {
      const init = { method, body, headers: { ...(body && { 'content-type': 'application/json' }) } };
      const answer = await send(url + pathOf(route, operation), init);
      if (answer.status >= 400) {
        throw new Error(`${name} with ${body}: ${answer.status} ${answer.text}`);
      }
      expect(Object.keys(operation.responses)).toContain(String(answer.status));
      expect(answer.text).not.toContain('event: error');
      expect(answer.text).not.toContain('__error__');
      remember(answer);
    }
  }

  it('all have their place', () => {
    expect([...FIRST, ...LAST, CANCEL_MANY, ENDLESS].filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(order)('are accepted: %s', async (name) => {
    await sendExamples(name);
    if (name === 'POST /threads/{thread_id}/runs') {
      await sendExamples('GET /threads/{thread_id}/runs/{run_id}/join');
    }
  });

  it(`are accepted: ${ENDLESS}`, async () => {
    const [method, route] = ENDLESS.split(' ');
    await sendExamples('POST /threads');
    const stream = await open(server.url + pathOf(route, document.paths[route][method.toLowerCase()]));
    expect(stream.status).toBe(200);
    await sendExamples('DELETE /threads/{thread_id}');
    expect(await stream.ended).not.toContain('event: error');
  });

  it(`are accepted: ${CANCEL_MANY}`, async () => {
    const own = await createDatabase();
    const env = { N_JOBS_PER_WORKER: '0' };
    const idle = await startServer({ database: own, project: path.join(ROOT, 'examples'), env });
    try {
      await sendExamples('POST /runs', idle.url);
      await sendExamples(CANCEL_MANY, idle.url);
    } finally {
      await idle.stop();
      await own.drop();
    }
  });
});
