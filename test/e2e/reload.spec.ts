import path from 'node:path';
import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { open } from '../support/raw-response.js';
import { killLeftovers, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

let database: TestDatabase;
let project: Project;

/** A graph whose response is in its own file or in an imported module. */
const agent = (answer: string): string => `
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { fromModule } from './lib/answer.js';

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('answer', () => ({ messages: [{ role: 'assistant', content: ${answer} }] }))
  .addEdge(START, 'answer')
  .addEdge('answer', END)
  .compile();
`;
const answerModule = (answer: string): string => `export const fromModule = '${answer}';\n`;

beforeAll(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await killLeftovers();
  await project?.remove();
});

afterAll(async () => {
  await database?.drop();
});

async function serve(...args: string[]): Promise<TestServer> {
  project = await createProject({
    graphs: ['waiting.ts'],
    files: {
      'agent.ts': agent('fromModule'),
      'lib/answer.ts': answerModule('first'),
      'langgraph.json': { graphs: { agent: './agent.ts:graph', waiting: './waiting.ts:graph' } },
    },
  });
  return project.start({ database, args });
}

async function newThread({ url }: TestServer): Promise<string> {
  const { json } = await sendJson(`${url}/threads`, {});
  return (json as { thread_id: string }).thread_id;
}

/** The current response of the graph. */
async function answerOf({ url }: TestServer, thread_id?: string): Promise<unknown> {
  const path = thread_id ? `/threads/${thread_id}/runs/wait` : '/runs/wait';
  const { json } = await sendJson(url + path, { assistant_id: 'agent', input: {} });
  return (json as { messages: { content: string }[] }).messages.at(-1)?.content;
}

/** Resolves when the server has reloaded `times` times. */
const reloads = (server: TestServer, times = 1): Promise<void> =>
  server.printed(new RegExp(`(Reloaded agent, waiting in \\d+ ms[^]*){${times}}`));

describe('dev', () => {
  it('reloads after a change of a graph file or of an imported module', async () => {
    const server = await serve();
    expect(await answerOf(server)).toBe('first');

    await project.write('lib/answer.ts', answerModule('second'));
    await reloads(server, 1);
    expect(await answerOf(server)).toBe('second');

    await project.write('agent.ts', agent('`${fromModule} and third`'));
    await reloads(server, 2);
    expect(await answerOf(server)).toBe('second and third');

    // A module that was not imported before.
    await project.write('lib/deeper.ts', `export const fromModule = 'fourth';\n`);
    await project.write('lib/answer.ts', `export { fromModule } from './deeper.js';\n`);
    await reloads(server, 3);
    await project.write('lib/deeper.ts', `export const fromModule = 'fifth';\n`);
    await reloads(server, 4);
    expect(await answerOf(server)).toBe('fifth and third');
    expect(await server.stop()).toBe(0);
  });

  it('reloads a file that an editor has replaced by a new one', async () => {
    const server = await serve();
    await project.write('lib/answer.ts.tmp', answerModule('replaced'));
    await rename(path.join(project.folder, 'lib/answer.ts.tmp'), path.join(project.folder, 'lib/answer.ts'));
    await reloads(server);

    expect(await answerOf(server)).toBe('replaced');
    await server.stop();
  });

  it('keeps threads and their states across a reload', async () => {
    const server = await serve();
    const thread_id = await newThread(server);
    await answerOf(server, thread_id);
    const before = await send(`${server.url}/threads/${thread_id}/state`);

    await project.write('lib/answer.ts', answerModule('second'));
    await reloads(server);
    expect((await send(`${server.url}/threads/${thread_id}/state`)).json).toEqual(before.json);
    expect(await answerOf(server, thread_id)).toBe('second');
    expect((await send(`${server.url}/threads/${thread_id}/state`)).json).toMatchObject({
      values: { messages: [{ content: 'first' }, { content: 'second' }] },
    });
    await server.stop();
  });

  it('does not affect an open stream: its run ends with the graph with which it began', async () => {
    const server = await serve();
    const gate = path.join(project.folder, 'gate');
    const stream = await open(`${server.url}/runs/stream`, {
      assistant_id: 'waiting',
      input: { gate, label: 'a' },
      stream_mode: ['custom', 'values'],
    });
    await stream.until(/"waiting":"a"/);
    const wait = await open(`${server.url}/runs/wait`, { assistant_id: 'waiting', input: { gate, label: 'b' } });

    await project.write('lib/answer.ts', answerModule('second'));
    await reloads(server);
    expect(await answerOf(server)).toBe('second');
    expect(stream.text()).not.toContain('a:end');
    await project.write('gate', '');

    expect(await stream.ended).toMatch(/event: values\ndata: .*"order":\["a:start","a:end"\].*\n\n$/);
    expect(JSON.parse(await wait.ended)).toMatchObject({ order: ['b:start', 'b:end'] });
    await server.stop();
  });

  it.each([
    ['a syntax error', 'export const = 1;', /Graph "agent" \(.+agent\.ts:graph\) could not be loaded: agent\.ts:1/],
    ['an error on import', 'throw new Error("not today");', /Graph "agent" .+ could not be loaded: Error: not today/],
    ['no export any more', 'export const other = 1;', /it has no export "graph"; it exports other/],
  ])('keeps the old graphs after an edit with %s, reports it, and loads the next edit', async (_name, edit, said) => {
    const server = await serve();
    await project.write('agent.ts', edit);
    await server.printed(/the previously loaded version stays in use/);

    expect(server.output()).toMatch(said);
    expect(server.output()).not.toContain('Reloaded agent');
    expect(await answerOf(server)).toBe('first');
    await project.write('agent.ts', agent(`'mended'`));
    await reloads(server);
    expect(await answerOf(server)).toBe('mended');
    await server.stop();
  });

  it('keeps the old graphs if a file was deleted, and reloads it when it is restored', async () => {
    const server = await serve();
    await rm(path.join(project.folder, 'agent.ts'));
    await server.printed(/the previously loaded version stays in use/);
    expect(await answerOf(server)).toBe('first');

    await project.write('agent.ts', agent(`'back'`));
    await reloads(server);
    expect(await answerOf(server)).toBe('back');
    await server.stop();
  });

  it('does not reload with --no-reload, and neither does start', async () => {
    const reloading = await serve();
    const folder = project;
    const still = await folder.start({ database, args: ['--no-reload'] });
    const start = await folder.start({ database, command: 'start' });

    await folder.write('lib/answer.ts', answerModule('second'));
    // The server that reloads shows when the others would have.
    await reloads(reloading);
    expect(await answerOf(still)).toBe('first');
    expect(await answerOf(start)).toBe('first');
    expect(still.output()).not.toContain('Reloaded');
    expect(start.output()).not.toContain('Reloaded');
    await Promise.all([reloading, still, start].map((server) => server.stop()));
  });

  it('uses the last edit, even if the previous one takes longer to load', async () => {
    const server = await serve();
    const [begun, gate, done] = ['begun', 'gate', 'done'].map((name) => path.join(project.folder, name));
    const slow =
      `import { existsSync, writeFileSync } from 'node:fs';\nwriteFileSync('${begun}', '');\n` +
      `while (!existsSync('${gate}')) await new Promise((resolve) => setTimeout(resolve, 10));\n`;
    const fast = `import { writeFileSync } from 'node:fs';\nwriteFileSync('${done}', '');\n`;
    const exists = (file: string): Promise<boolean> =>
      askUntil(
        () => Promise.resolve(existsSync(file)),
        (there) => there,
      );

    await project.write('agent.ts', slow + agent(`'slow'`));
    await exists(begun);
    await project.write('agent.ts', fast + agent(`'fast'`));
    // A server that loads one at a time does not get there before the gate is open.
    await Promise.race([exists(done), sleep(2_000)]);
    await project.write('gate', '');
    await server.printed(/((Reloaded|stays in use)[^]*){2}/);

    expect(server.output()).not.toContain('stays in use');
    expect(await answerOf(server)).toBe('fast');
    await server.stop();
  });

  it('lets a running run import modules later', async () => {
    const server = await serve();
    const gate = path.join(project.folder, 'gate');
    const lazy = `
import { existsSync } from 'node:fs';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('answer', async (_, { writer }) => {
    writer?.('begun');
    while (!existsSync('${gate}')) await new Promise((resolve) => setTimeout(resolve, 10));
    const { fromModule } = await import('./lib/answer.js');
    return { messages: [{ role: 'assistant', content: fromModule }] };
  })
  .addEdge(START, 'answer')
  .addEdge('answer', END)
  .compile();
`;
    await project.write('agent.ts', lazy);
    await reloads(server);
    const stream = await open(`${server.url}/runs/stream`, {
      assistant_id: 'agent',
      input: {},
      stream_mode: ['custom', 'values'],
    });
    await stream.until(/data: "begun"/);
    await project.write('agent.ts', agent(`'new'`));
    await reloads(server, 2);
    await project.write('gate', '');

    expect(await stream.ended).toContain('"content":"first"');
    await server.stop();
  });

  it('writes nothing into the project', async () => {
    const server = await serve();
    await project.write('lib/answer.ts', answerModule('second'));
    await reloads(server);
    await server.stop();

    expect((await readdir(project.folder)).sort()).toEqual([
      'agent.ts',
      'langgraph.json',
      'lib',
      'package.json',
      'waiting.ts',
    ]);
  });
});

/** An `Auth` object as the SDK makes it, which refuses one user. Threads say which instance of the shared module it has. */
const authFile = (refused: string): string => `
import { instance, word } from './lib/shared.js';

export const auth = {
  '~handlerCache': {
    authenticate: (request: Request) => {
      const name = request.headers.get('authorization');
      if (!name || name === '${refused}') throw Object.assign(new Error('Who are you?'), { status: 401 });
      return { identity: name };
    },
    callbacks: { '*': ({ value }: any) => void (value.metadata = { instance, word }) },
  },
};
`;
const appFile = (answer: string): string => `
import { existsSync, writeFileSync } from 'node:fs';
import { instance, word } from './lib/shared.js';

export const app = async (request: Request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== '/mine') return undefined;
  const gate = searchParams.get('gate');
  if (gate) writeFileSync(gate + '.begun', '');
  while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 10));
  return Response.json({ answer: '${answer}', instance, word });
};
`;
const sharedModule = (word: string): string =>
  `export const instance = Math.random();\nexport const word = '${word}';\n`;

describe('dev with auth, routes and Nest modules of a project', () => {
  let server: TestServer;

  async function start(): Promise<void> {
    project = await createProject({
      files: {
        'agent.ts': agent('String(fromModule)'),
        'lib/answer.ts': `export { instance as fromModule } from './shared.js';\n`,
        'lib/shared.ts': sharedModule('first'),
        'lib/nest-only.ts': `import './wings.cjs';\nexport const color = 1;\n`,
        'lib/wings.cjs': `require('./feathers.cjs');\n`,
        'lib/feathers.cjs': 'exports.count = 1;\n',
        'auth.ts': authFile('mallory'),
        'app.ts': appFile('first'),
        'nest.ts': `import './lib/nest-only.js';\nimport './lib/shared.js';\nexport class Parrots {}\n`,
        'embed.ts': 'export const embed = (texts: string[]) => texts.map(() => [1, 0]);\n',
        'langgraph.json': {
          graphs: { agent: './agent.ts:graph' },
          auth: { path: './auth.ts:auth', cache: {} },
          http: { app: './app.ts:app' },
          nest: { modules: ['./nest.ts:Parrots'] },
          store: { index: { dims: 2, embed: './embed.ts:embed' } },
        },
      },
    });
    server = await project.start({ database });
  }

  /** What each reload so far has loaded. */
  const reloaded = (): string[] => [...server.output().matchAll(/Reloaded (.+) in \d+ ms/g)].map(([, names]) => names);

  async function edit(file: string, content: string, names = 'agent, auth, http.app'): Promise<void> {
    const before = reloaded().length;
    await project.write(file, content);
    const all = await askUntil(
      () => Promise.resolve(reloaded()),
      ({ length }) => length > before,
    );
    expect(all.at(-1)).toBe(names);
  }

  const as = (authorization: string): RequestInit => ({ headers: { authorization } });
  const statusFor = async (name: string): Promise<number> =>
    (await sendJson(`${server.url}/threads`, {}, as(name))).status;

  /** What each part has of the module that all of them import. */
  async function shared(): Promise<unknown[]> {
    const thread = (await sendJson(`${server.url}/threads`, {}, as('alice'))).json as { metadata: object };
    const { instance, word } = (await send(`${server.url}/mine`)).json as Record<string, unknown>;
    const run = await sendJson(`${server.url}/runs/wait`, { assistant_id: 'agent', input: {} }, as('alice'));
    const [message] = (run.json as { messages: { content: string }[] }).messages;
    return [thread.metadata, { instance, word }, Number(message.content)];
  }

  it('takes up what changes in each of them', async () => {
    await start();
    const [{ instance }] = (await shared()) as [{ instance: number }];
    expect(await shared()).toEqual([{ instance, word: 'first' }, { instance, word: 'first' }, instance]);

    // A rule, for a caller whose credential is in the cache.
    expect([await statusFor('alice'), await statusFor('mallory')]).toEqual([200, 401]);
    await edit('auth.ts', authFile('alice'));
    expect([await statusFor('alice'), await statusFor('mallory')]).toEqual([401, 200]);

    // Files that cannot be used: the rules stay.
    await edit('auth.ts', 'export const = 1;', 'agent, http.app');
    expect(server.output()).toMatch(
      /auth\.path of langgraph\.json \(\S+auth\.ts:auth\): auth\.ts:1: .*; the previously loaded version stays in use/,
    );
    await edit('auth.ts', 'export const auth = {};', 'agent, http.app');
    expect(server.output()).toMatch(/expected an Auth object.*; the previously loaded version stays in use/);
    await edit('app.ts', `throw new Error('not today');`, 'agent');
    expect(server.output()).toMatch(
      /http\.app .*: Error: not today \(app\.ts:1\); the previously loaded version stays in use/,
    );
    expect([await statusFor('alice'), await statusFor('mallory')]).toEqual([401, 200]);
    expect((await send(`${server.url}/mine`)).json).toMatchObject({ answer: 'first' });

    // An app, while a request is on its way.
    const gate = path.join(project.folder, 'gate');
    const slow = send(`${server.url}/mine?gate=${encodeURIComponent(gate)}`);
    await askUntil(
      () => Promise.resolve(existsSync(`${gate}.begun`)),
      (hasBegun) => hasBegun,
    );
    await edit('app.ts', appFile('second'), 'agent, http.app');
    await edit('auth.ts', authFile('mallory'));
    expect((await send(`${server.url}/mine`)).json).toMatchObject({ answer: 'second' });
    await project.write('gate', '');
    expect((await slow).json).toMatchObject({ answer: 'first' });

    // A module that all of them share.
    await edit('lib/shared.ts', sharedModule('second'));
    const [{ instance: next }] = (await shared()) as [{ instance: number }];
    expect(next).not.toBe(instance);
    expect(await shared()).toEqual([{ instance: next, word: 'second' }, { instance: next, word: 'second' }, next]);
    expect(server.output()).toContain('lib/shared.ts has changed: restart nestgraph dev to use it in nest.modules');

    // What is in a Nest container, or has made an index, stays.
    const before = reloaded().length;
    await project.write('lib/nest-only.ts', 'export const color = 2;\n');
    await server.printed(/lib\/nest-only\.ts has changed: restart nestgraph dev to use it in nest\.modules/);
    await project.write('lib/feathers.cjs', 'exports.count = 2;\n');
    await server.printed(/lib\/feathers\.cjs has changed: restart nestgraph dev to use it in nest\.modules/);
    await project.write('embed.ts', 'export const embed = (texts: string[]) => texts.map(() => [0, 1]);\n');
    await server.printed(/embed\.ts has changed: restart nestgraph dev to use it in store\.index\.embed/);
    expect(reloaded()).toHaveLength(before);
    expect(await server.stop()).toBe(0);
  });
});
