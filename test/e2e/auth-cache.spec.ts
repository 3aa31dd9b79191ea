import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, type TestServer } from '../support/server.js';

/** An `Auth` object as the SDK makes it: users by name, within a tenant, and every thread says whose it is. */
const AUTH = `
export const auth = {
  '~handlerCache': {
    authenticate: (request) => {
      const name = request.headers.get('authorization');
      if (name === 'bad') throw Object.assign(new Error('Who are you?'), { status: 401 });
      return { identity: name + '@' + request.headers.get('x-tenant') };
    },
    callbacks: {
      '*': ({ value, user }) => {
        value.metadata = { owner: user.identity };
      },
    },
  },
};
`;

let database: TestDatabase;
let project: Project;
let server: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  project = await createProject({ graphs: ['steps.ts'], files: { 'auth.js': AUTH } });
  await project.write('package.json', { type: 'module' });
  await project.write('langgraph.json', {
    graphs: { steps: './steps.ts:graph' },
    auth: { path: './auth.js:auth', cache: {} },
  });
  server = await project.start({ database });
});
afterAll(async () => {
  await killLeftovers();
  await project?.remove();
  await database?.drop();
});

/** The owner of a thread that is created with these headers; the status when the request is refused. */
async function ownerOf(headers: Record<string, string>): Promise<unknown> {
  const { status, json } = await sendJson(`${server.url}/threads`, {}, { headers });
  return status === 200 ? (json as { metadata: { owner: string } }).metadata.owner : status;
}

const STUDIO = { 'x-auth-scheme': 'langsmith' };
const studio = 'langgraph-studio-user';

it("a rejected credential stays rejected after a request with Studio's header", async () => {
  expect(await ownerOf({ authorization: 'bad', ...STUDIO })).toBe(studio);
  expect(await ownerOf({ authorization: 'bad' })).toBe(401);
});

it('a user and Studio keep their identities, whichever comes first', async () => {
  expect(await ownerOf({ authorization: 'alice', 'x-tenant': 'a', ...STUDIO })).toBe(studio);
  expect(await ownerOf({ authorization: 'alice', 'x-tenant': 'a' })).toBe('alice@a');
  expect(await ownerOf({ authorization: 'alice', 'x-tenant': 'a', ...STUDIO })).toBe(studio);
});

it('a user of two tenants is cached per tenant, though cache_keys does not name the tenant header', async () => {
  const tenants = ['a', 'b', 'a', 'b'];
  const owners = [];
  for (const tenant of tenants) {
    owners.push(await ownerOf({ authorization: 'bob', 'x-tenant': tenant }));
  }
  expect(owners).toEqual(['bob@a', 'bob@b', 'bob@a', 'bob@b']);
  expect(server.output()).toContain('The authenticate handler reads the header x-tenant');
});
