import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson, send } from '../support/http.js';
import { installOldestPeers, oldestPeers } from '../support/oldest-peers.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, type TestServer } from '../support/server.js';

/** Versions that fit. */
const FITTING = {
  '@langchain/core': '1.1.48',
  '@langchain/langgraph': '1.0.0',
  '@langchain/langgraph-checkpoint': '1.1.5',
};

/** A project whose packages hold nothing. */
const projectWith = (versions: Record<string, string>): Promise<Project> =>
  createProject({
    files: {
      'langgraph.json': { graphs: { agent: './agent.ts:graph' } },
      ...Object.fromEntries(
        Object.entries(versions).flatMap(([name, version]): [string, string | object][] => [
          [`node_modules/${name}/package.json`, { name, version, main: 'index.js' }],
          [`node_modules/${name}/index.js`, ''],
        ]),
      ),
    },
  });

describe('A start with packages that do not fit', () => {
  const projects: Project[] = [];

  afterEach(() => Promise.all(projects.splice(0).map((project) => project.remove())));

  const start = async (versions: Record<string, string>, command: string) => {
    const project = await projectWith({ ...FITTING, ...versions });
    projects.push(project);
    return project.run([command]);
  };

  it.each(['dev', 'start', 'worker', 'migrate', 'openapi'])(
    'is refused by %s with one sentence, before any is imported',
    async (command) => {
      const { code, output } = await start({ '@langchain/langgraph-checkpoint': '1.1.3' }, command);
      const [{ folder }] = projects;
      expect([code, output]).toEqual([
        1,
        'Nestgraph needs @langchain/langgraph-checkpoint ^1.1.5 ' +
          `(1.1.3 is installed in ${folder}/node_modules/@langchain/langgraph-checkpoint): ` +
          'run npm install @langchain/langgraph@latest @langchain/core@latest\n',
      ]);
    },
  );

  it('names all of them', async () => {
    const versions = { '@langchain/core': '1.1.44', '@langchain/langgraph': '0.4.9' };
    const { output } = await start(versions, 'dev');
    const modules = `${projects[0].folder}/node_modules`;
    expect(output).toBe(
      `Nestgraph needs @langchain/core ^1.1.48 (1.1.44 is installed in ${modules}/@langchain/core) and ` +
        `@langchain/langgraph ^1.0.0 (0.4.9 is installed in ${modules}/@langchain/langgraph): ` +
        'run npm install @langchain/langgraph@latest @langchain/core@latest\n',
    );
  });

  it('names a zod that LangGraph cannot import', async () => {
    const { output } = await start({ zod: '3.23.8' }, 'dev');
    expect(output).toBe(
      `Nestgraph needs zod ^3.25.32 (3.23.8 is installed in ${projects[0].folder}/node_modules/zod): ` +
        'run npm install @langchain/langgraph@latest @langchain/core@latest zod@3.25.76\n',
    );
  });

  it('imports them when they fit', async () => {
    expect((await start({}, 'openapi')).output).toMatch(/imported from \S+node_modules\/@langchain\/langgraph\//);
  });
});

describe('The oldest versions that are allowed', () => {
  let database: TestDatabase;
  let project: Project;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    project = await createProject({ graphs: ['values.ts', 'ask.ts', 'tools.ts'] });
    await installOldestPeers(project.folder);
    server = await project.start({ database });
  });

  afterAll(async () => {
    await killLeftovers();
    await project?.remove();
    await database?.drop();
  });

  it('are the lowest ones of the ranges', () => {
    const [ranges, versions] = oldestPeers();
    expect(Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, `^${version}`]))).toEqual(
      ranges,
    );
  });

  const run = async (thread_id: string, assistant_id: string, body: object): Promise<unknown> =>
    (await sendJson(`${server.url}/threads/${thread_id}/runs/wait`, { assistant_id, ...body })).json;

  const newThread = async (): Promise<string> =>
    ((await sendJson(`${server.url}/threads`, {})).json as { thread_id: string }).thread_id;

  const valuesOf = async (thread_id: string): Promise<unknown> =>
    ((await send(`${server.url}/threads/${thread_id}/state`)).json as { values: unknown }).values;

  it('are those that the server uses', async () => {
    expect((await send(`${server.url}/info`)).json).toMatchObject({
      langgraph_js_version: FITTING['@langchain/langgraph'],
    });
  });

  it('keep states, as newer ones do', async () => {
    const thread_id = await newThread();
    const given = {
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', 'HumanMessage'],
      kwargs: { content: 1 },
    };
    const answer = await run(thread_id, 'values', { input: { kind: 'artifact', given, messages: ['hi'] } });
    expect(answer).toMatchObject({
      given,
      seen: 'bigint',
      messages: [
        { type: 'human', content: 'hi' },
        { artifact: { id: '9007199254740993' } },
        { type: 'ai', content: 'next' },
      ],
    });
    expect(await valuesOf(thread_id)).toEqual(answer);
  });

  it('ask and resume, and execute tools', async () => {
    const thread_id = await newThread();
    expect(await run(thread_id, 'ask', { input: { question: 'why?' } })).toMatchObject({
      __interrupt__: [{ value: { question: 'why?' } }],
    });
    expect(await run(thread_id, 'ask', { command: { resume: 'so' } })).toMatchObject({ answer: 'so' });
    const answer = await run(await newThread(), 'tools', { input: { messages: [] } });
    expect(answer).toMatchObject({ messages: [{ type: 'ai' }, { type: 'tool', content: '5' }] });
  });
});
