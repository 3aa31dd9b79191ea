import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { installOldestPeers, oldestPeers } from '../support/oldest-peers.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, type TestServer } from '../support/server.js';

const NEWEST = path.resolve(import.meta.dirname, '../../node_modules/@langchain');

const GRAPH = `import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
export const graph = new StateGraph(Annotation.Root({ done: Annotation<boolean> }))
  .addNode('work', () => ({ done: true }))
  .addEdge(START, 'work')
  .addEdge('work', END)
  .compile();
`;

describe('Packages of a monorepo that each have a LangGraph of their own', () => {
  let database: TestDatabase;
  let project: Project;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    const apps = ['old', 'new', 'bare'];
    project = await createProject({
      files: {
        'langgraph.json': { graphs: Object.fromEntries(apps.map((app) => [app, `./apps/${app}/graph.ts:graph`])) },
        ...Object.fromEntries(apps.map((app) => [`apps/${app}/graph.ts`, GRAPH])),
      },
    });
    await installOldestPeers(path.join(project.folder, 'apps/old'));
    const modules = path.join(project.folder, 'apps/new/node_modules');
    await mkdir(modules);
    await symlink(NEWEST, path.join(modules, '@langchain'));
    server = await project.start({ database });
  });

  afterAll(async () => {
    await killLeftovers();
    await project?.remove();
    await database?.drop();
  });

  const run = (assistant_id: string) => sendJson(`${server.url}/runs/wait`, { assistant_id, input: {} });
  const [, oldest] = oldestPeers();
  const sentence = new RegExp(
    `its package has @langchain/langgraph \\d\\S+, but the graphs before it in langgraph.json use ${oldest['@langchain/langgraph']}`,
  );

  it('are executed with the one of the first graph, found from its file', async () => {
    expect((await send(`${server.url}/info`)).json).toMatchObject({
      langgraph_js_version: oldest['@langchain/langgraph'],
    });
    expect((await run('old')).json).toEqual({ done: true });
  });

  it('are refused when theirs is another version', async () => {
    const { status, json } = await run('new');
    expect([status, json]).toEqual([503, expect.objectContaining({ code: 'graph_not_loaded' })]);
    expect((json as { detail: string }).detail).toMatch(sentence);
    const { code, output } = await project.run(['start', '--port', '0'], { database });
    expect([code, output]).toEqual([1, expect.stringMatching(sentence)]);
  });

  it('are served without one', async () => {
    expect((await run('bare')).json).toEqual({ done: true });
  });
});
