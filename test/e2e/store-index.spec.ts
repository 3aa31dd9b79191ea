import { afterEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers } from '../support/server.js';

let project: Project | undefined;
let database: TestDatabase | undefined;

afterEach(async () => {
  await killLeftovers();
  await project?.remove();
  await database?.drop();
  [project, database] = [undefined, undefined];
});

/** A project with an index that embeds with this. */
async function projectWith(embed: string, files: Record<string, string | object> = {}): Promise<Project> {
  database = await createDatabase();
  project = await createProject({ graphs: ['echo.ts', 'embedding.ts'], files });
  await project.write('langgraph.json', {
    graphs: { echo: './echo.ts:graph' },
    store: { index: { dims: 64, embed, fields: ['text'] } },
  });
  return project;
}

async function refusalOf(embed: string, files?: Record<string, string>): Promise<string> {
  const { code, output } = await (await projectWith(embed, files)).run(['dev', '--port', '0'], { database });
  expect(code).toBe(1);
  expect(output).not.toMatch(/^ +at /m);
  return output;
}

/** The key of the item that is found by a query. */
async function found(one: Project): Promise<unknown> {
  const { url } = await one.start({ database });
  for (const [key, text] of Object.entries({ bird: 'parrots like nuts', rain: 'rain tomorrow' })) {
    const item = { namespace: ['a'], key, value: { text } };
    expect(await sendJson(`${url}/store/items`, item, { method: 'PUT' })).toMatchObject({ status: 204 });
  }
  const search = { namespace_prefix: ['a'], query: 'nuts', limit: 1 };
  return (await sendJson(`${url}/store/items/search`, search)).json;
}

describe('an index of the store embeds with', () => {
  const EMBEDDINGS = `
    const { createHash } = require('node:crypto');
    class Embeddings {
      constructor(options) { this.model = options.model; }
      async embedQuery(text) { return (await this.embedDocuments([text]))[0]; }
      async embedDocuments(texts) {
        return texts.map((text) => Array.from({ length: 64 }, (_, n) =>
          text.split(' ').reduce((sum, word) => sum + createHash('md5').update(this.model + word + n).digest()[0] - 127, 0)));
      }
    }`;

  it.each(['./embedding.ts:embed', './embedding.ts:embeddings'])('%s', async (embed) => {
    expect(await found(await projectWith(embed))).toMatchObject({ items: [{ key: 'bird' }] });
  });

  it('a model of a package that the project has installed', async () => {
    const files = {
      'node_modules/@langchain/openai/package.json': { name: '@langchain/openai', main: 'index.js' },
      'node_modules/@langchain/openai/index.js': `${EMBEDDINGS} exports.OpenAIEmbeddings = Embeddings;`,
    };
    expect(await found(await projectWith('openai:small', files))).toMatchObject({ items: [{ key: 'bird' }] });
  });

  it('nothing, and the start says what is missing', async () => {
    expect(await refusalOf('openai:text-embedding-3-small')).toContain('npm install @langchain/openai');
    expect(await refusalOf('cohere:small', { 'pnpm-lock.yaml': '' })).toContain('run: pnpm add @langchain/cohere');
  });

  it.each<[string, RegExp]>([
    ['parrot:small', /unknown provider "parrot"; known providers are openai, .*name a file/],
    ['./missing.ts:embed', /missing\.ts/],
    ['./embedding.ts:nothing', /has no export "nothing"; it exports .*embed/],
    ['./broken.ts:embed', /broken\.ts:1/],
    ['./throws.ts:embed', /Error: no model \(throws\.ts:2\)/],
    ['./rejects.ts:embed', /Error: no key \(rejects\.ts:1\)/],
    ['./object.ts:embed', /expected a function/],
    ['nonsense', /store\.index\.embed: expected a string of the form "provider:model" or "path:export"/],
  ])('%s is refused at the start', async (embed, reason) => {
    const files = {
      'broken.ts': 'export const embed = (',
      'throws.ts': `export const embed = 1;\nthrow new Error('no model');`,
      'rejects.ts': `export const embed = (async () => { throw new Error('no key'); })();`,
      'object.ts': 'export const embed = { a: 1 };',
    };
    expect(await refusalOf(embed, files)).toMatch(reason);
  });

  it('what fails later answers with 502 and says why', async () => {
    const one = await projectWith('./short.ts:embed', { 'short.ts': 'export const embed = () => [[1, 2]];' });
    const { url } = await one.start({ database });
    const item = { namespace: ['a'], key: 'k', value: { text: 'a' } };
    expect(await sendJson(`${url}/store/items`, item, { method: 'PUT' })).toMatchObject({
      status: 502,
      json: { code: 'embedding_failed', detail: expect.stringMatching(/vectors of 64 numbers .*got 2/) },
    });
    expect(await sendJson(`${url}/store/items`, { ...item, index: false }, { method: 'PUT' })).toMatchObject({
      status: 204,
    });
  });
});
