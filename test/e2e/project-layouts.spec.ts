import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import type { TestServer } from '../support/server.js';

/** A graph whose state is what the code of its module has found. */
const graphOf = (found: string): string => `
export const graph = new StateGraph(Annotation.Root({ found: Annotation<unknown>() }))
  .addNode('look', async () => ({ found: await (async () => (${found}))() }))
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();
`;
const LANGGRAPH = `import { Annotation, END, START, StateGraph } from '@langchain/langgraph';\n`;

/** One monorepo, its langgraph.json at the root, with a package for each way of laying out code. */
const FILES: Record<string, string | object> = {
  'package.json': { private: true, type: 'module', workspaces: ['apps/*', 'packages/*'] },
  'langgraph.json': {
    graphs: {
      workspace: './apps/web/src/workspace.ts:graph',
      imports: './apps/web/src/imports.ts:graph',
      commonjs: './apps/legacy/src/graph.ts:graph',
      cts: './apps/legacy/src/strict.cts:graph',
      dynamic: './apps/dynamic/graph.ts:graph',
      processes: './apps/dynamic/processes.ts:graph',
    },
  },
  // The root has another version of a dependency than the package that imports it.
  'node_modules/versioned/package.json': { name: 'versioned', version: '1.0.0', main: 'index.js' },
  'node_modules/versioned/index.js': `exports.version = 'one';`,
  'apps/web/node_modules/versioned/package.json': { name: 'versioned', version: '2.0.0', main: 'index.js' },
  'apps/web/node_modules/versioned/index.js': `exports.version = 'two';`,
  'apps/web/node_modules/only-here/package.json': { name: 'only-here', type: 'module', exports: './index.js' },
  'apps/web/node_modules/only-here/index.js': `export const place = 'apps/web';`,

  // A linked package that is TypeScript source.
  'packages/shared/package.json': { name: '@acme/shared', type: 'module', exports: { '.': './src/index.ts' } },
  'packages/shared/src/index.ts': `export { count } from './counter.js';\nexport enum Colour { Red = 'red' }\n`,
  'packages/shared/src/counter.ts': `let counted = 0;\nexport const count = (): number => (counted += 1);\n`,

  'apps/web/package.json': { name: 'web', type: 'module', imports: { '#greeting': './src/greeting.ts' } },
  'apps/web/tsconfig.base.json': { compilerOptions: { baseUrl: '.', paths: { '@/*': ['./src/*'] } } },
  'apps/web/tsconfig.json': { extends: './tsconfig.base.json' },
  'apps/web/src/greeting.ts': `export const greeting: string = 'hello';\n`,
  'apps/web/src/lib/index.ts': `export const folder = 'lib';\n`,
  'apps/web/src/workspace.ts': `${LANGGRAPH}
import { count, Colour } from '@acme/shared';
import { version } from 'versioned';
import { place } from 'only-here';
${graphOf('{ count: count(), colour: Colour.Red, version, place }')}`,
  'apps/web/src/imports.ts': `${LANGGRAPH}
import { count } from '@acme/shared';
import { greeting } from '#greeting';
import { greeting as aliased } from '@/greeting';
import { folder } from './lib';
import { folder as explicit } from './lib/index.js';
${graphOf('{ count: count() > 0, greeting, aliased, folder, explicit }')}`,

  // CommonJS, as most projects without "type" are.
  'node_modules/interop/package.json': { name: 'interop', main: 'index.js' },
  'node_modules/interop/index.js': `exports.__esModule = true;\nexports.default = () => 'default';\nexports.named = 'named';`,
  'node_modules/esm-only/package.json': { name: 'esm-only', type: 'module', exports: './index.js' },
  'node_modules/esm-only/index.js': `export const kind = 'esm';`,
  'apps/legacy/package.json': { name: 'legacy' },
  'apps/legacy/src/data.json': { answer: 42 },
  'apps/legacy/src/graph.ts': `${LANGGRAPH}
import path from 'node:path';
import interop, { named } from 'interop';
import data from './data.json';
import { HumanMessage } from '@langchain/core/messages';
const { HumanMessage: required } = require('@langchain/core/messages');
const { kind } = require('esm-only');
${graphOf(`{
  interop: interop(), named, data: data.answer, kind, one: required === HumanMessage,
  dirname: path.basename(__dirname), filename: path.basename(__filename),
  isMessage: new HumanMessage('hi') instanceof required,
}`)}`,
  'apps/legacy/src/strict.cts': `
import langgraph = require('@langchain/langgraph');
const { Annotation, END, START, StateGraph } = langgraph;
const found = { kind: typeof module, path: require('node:path').basename(__filename) };
const graph = new StateGraph(Annotation.Root({ found: Annotation<unknown>() }))
  .addNode('look', () => ({ found }))
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();
export = { graph };
`,

  'apps/dynamic/package.json': { name: 'dynamic', type: 'module' },
  'apps/dynamic/prompt.txt': 'be kind',
  'apps/dynamic/tools/first.ts': `export const name: string = 'first tool';\n`,
  'apps/dynamic/graph.ts': `${LANGGRAPH}
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
const prompt = await readFile(new URL('./prompt.txt', import.meta.url), 'utf8');
const load = (name: string) => import(\`./tools/\${name}.ts\`);
${graphOf(`{
  prompt, tool: (await load('first')).name,
  url: path.basename(fileURLToPath(import.meta.url)), dirname: path.basename(import.meta.dirname),
  resolved: path.basename(new URL(import.meta.resolve('./prompt.txt')).pathname),
}`)}`,
  'apps/dynamic/child.ts': `import { name } from './tools/first.js';
import { parentPort } from 'node:worker_threads';
parentPort ? parentPort.postMessage(name) : process.send!(name);\n`,
  'apps/dynamic/processes.ts': `${LANGGRAPH}
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
const entry = new URL('./child.ts', import.meta.url);
// TypeScript as the entry of a worker thread needs Node 22.
const entryOfThread = Number.parseInt(process.versions.node) >= 22;
${graphOf(`{
  child: (await once(fork(entry), 'message'))[0],
  thread: entryOfThread ? (await once(new Worker(entry), 'message'))[0] : 'first tool',
}`)}`,
};

describe('a monorepo', () => {
  let database: TestDatabase;
  let project: Project;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    project = await createProject({ files: FILES });
    mkdirSync(path.join(project.folder, 'node_modules/@acme'));
    symlinkSync('../../packages/shared', path.join(project.folder, 'node_modules/@acme/shared'));
    server = await project.start({ database });
  });
  afterAll(async () => {
    await server?.stop();
    await project?.remove();
    await database?.drop();
  });

  const found = async (assistant_id: string): Promise<unknown> =>
    (await sendJson(`${server.url}/runs/wait`, { assistant_id, input: {} })).json;

  it('links packages that are TypeScript source, and finds what each package has installed', async () => {
    expect(await found('workspace')).toEqual({
      found: { count: 1, colour: 'red', version: 'two', place: 'apps/web' },
    });
  });

  it('has paths of the nearest tsconfig.json, imports of package.json, folders, and one copy of a shared module', async () => {
    expect(await found('imports')).toEqual({
      found: { count: true, greeting: 'hello', aliased: 'hello', folder: 'lib', explicit: 'lib' },
    });
  });

  it('may be CommonJS, with the same classes of LangChain as the server', async () => {
    expect(await found('commonjs')).toEqual({
      found: {
        interop: 'default',
        named: 'named',
        data: 42,
        kind: 'esm',
        one: true,
        dirname: 'src',
        filename: 'graph.ts',
        isMessage: true,
      },
    });
    expect(await found('cts')).toEqual({ found: { kind: 'object', path: 'strict.cts' } });
  });

  it('imports by computed paths and reads files beside its sources', async () => {
    expect(await found('dynamic')).toEqual({
      found: {
        prompt: 'be kind',
        tool: 'first tool',
        url: 'graph.ts',
        dirname: 'dynamic',
        resolved: 'prompt.txt',
      },
    });
  });

  it('starts processes and worker threads from TypeScript', async () => {
    expect(await found('processes')).toEqual({ found: { child: 'first tool', thread: 'first tool' } });
  });

  it('is reloaded when a linked package, a CommonJS file or a computed import changes', async () => {
    await project.write('packages/shared/src/counter.ts', 'export const count = (): number => 100;\n');
    await server.printed(/(Reloaded [^]*){1}/);
    expect(await found('workspace')).toMatchObject({ found: { count: 100 } });
    await project.write('apps/legacy/src/data.json', { answer: 43 });
    await server.printed(/(Reloaded [^]*){2}/);
    expect(await found('commonjs')).toMatchObject({ found: { data: 43, one: true } });
    await project.write('apps/dynamic/tools/first.ts', `export const name: string = 'second tool';\n`);
    await server.printed(/(Reloaded [^]*){3}/);
    expect(await found('dynamic')).toMatchObject({ found: { tool: 'second tool' } });
  });
});
