import { readFileSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { open } from '../support/raw-response.js';
import { killLeftovers, runToEnd, startServer, TEST_PROJECT } from '../support/server.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** A graph that works, in one line. */
const GRAPH =
  `import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';\n` +
  `export const graph = new StateGraph(MessagesAnnotation).addNode('n', () => ({}))` +
  `.addEdge(START, 'n').addEdge('n', END).compile();\n`;

let database: TestDatabase;
const projects: Project[] = [];

async function projectOf(files: Record<string, string | object>): Promise<Project> {
  const project = await createProject({ files });
  projects.push(project);
  return project;
}

beforeAll(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await killLeftovers();
  await Promise.all(projects.splice(0).map((project) => project.remove()));
});

afterAll(async () => {
  await database?.drop();
});

/** No stack trace: expected errors are printed as a message. */
const isForPeople = (output: string): boolean => !/^\s+at .+\(?.*:\d+:\d+\)?$/m.test(output);

describe('nestgraph', () => {
  it.each(['--help', '-h', 'dev --help'])('%s prints the usage', async (line) => {
    const { code, output } = await runToEnd(line.split(' '));

    expect(code).toBe(0);
    expect(output).toMatch(/^Usage: nestgraph <command> \[options\]\n/);
    for (const word of [
      'dev',
      'start',
      'worker',
      'migrate',
      'openapi',
      '--config',
      '--host',
      '--port',
      '--no-reload',
    ]) {
      expect(output).toContain(`\n  ${word}`);
    }
  });

  it.each(['--version', '-v'])('%s prints the version', async (option) => {
    expect(await runToEnd([option])).toEqual({ code: 0, output: `${version}\n` });
  });

  it.each<[string, string[], RegExp]>([
    ['no command', [], /^A command is missing; use one of dev, start, worker, migrate, openapi\.$/m],
    ['an unknown command', ['serve'], /^"serve" is not a command; use one of dev, /m],
    ['two commands', ['dev', 'start'], /^"dev start" is not a command; use one of dev, /m],
    ['an unknown option', ['dev', '--verbose'], /--verbose/],
    ['an option without its value', ['dev', '--port'], /--port/],
  ])('with %s reports what is expected', async (_name, args, sentence) => {
    const { code, output } = await runToEnd(args);

    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).toContain('Usage: nestgraph <command> [options]');
    expect(isForPeople(output)).toBe(true);
  });

  it.each(['many', '70000', '-1', '80.5'])('rejects the port %s', async (port) => {
    const { code, output } = await runToEnd(['dev', `--port=${port}`], { database });

    expect(code).toBe(1);
    expect(output).toMatch(/--port: expected a whole number from 0 to 65535, got/);
  });

  it('openapi prints only the document, in any folder', async () => {
    const { code, output } = await runToEnd(['openapi'], { project: os.tmpdir() });

    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ openapi: expect.stringMatching(/^3\.1/), info: { title: 'Nestgraph' } });
  });
});

describe('langgraph.json', () => {
  it.each<[string, string | object, RegExp[]]>([
    ['no JSON', '{"graphs": {', [/langgraph\.json: not valid JSON; line 1, column \d+/]],
    ['a trailing comma', '{\n  "graphs": {},\n}', [/langgraph\.json: not valid JSON; line \d, column \d+/]],
    ['a list', [], [/langgraph\.json: expected an object, got a list/]],
    ['no graphs', {}, [/langgraph\.json: graphs: expected an object with at least one graph, .+, got nothing/]],
    ['empty graphs', { graphs: {} }, [/langgraph\.json: graphs: expected an object with at least one graph/]],
    ['a graph without a path', { graphs: { a: '' } }, [/langgraph\.json: graphs\.a: expected a string of the form/]],
    ['a graph that is a number', { graphs: { a: 7 } }, [/langgraph\.json: graphs\.a: expected .+, got a number/]],
    [
      'many mistakes',
      {
        graphs: { a: './a.ts:graph', b: { description: 'no path' } },
        env: 7,
        http: { cors: { allow_origins: 'https://ours.example', max_age: -1 }, mount_prefix: 'api' },
        store: { index: { dims: 'many', embed: 'x' } },
      },
      [
        /There are 7 problems in the configuration:/,
        /graphs\.b\.path: expected/,
        /env: expected/,
        /http\.cors\.allow_origins: expected a list, got a string/,
        /http\.cors\.max_age: expected a whole number of at least 0, got -1/,
        /http\.mount_prefix: expected a path that begins with "\/", got "api"/,
        /store\.index\.dims: expected a whole number/,
      ],
    ],
    [
      'an auth module that is not there',
      { graphs: { a: './a.ts:graph' }, auth: { path: './auth.ts:auth' } },
      [/auth\.path of langgraph\.json \(.*auth\.ts:auth\): the file .+auth\.ts does not exist/],
    ],
    [
      'encryption',
      { graphs: { a: './a.ts:graph' }, encryption: { path: './e.ts:e' } },
      [/encryption\.path: encryption is not supported/],
    ],
  ])('with %s stops the start and names the problem', async (_name, content, sentences) => {
    const project = await projectOf({ 'langgraph.json': content, 'a.ts': GRAPH });

    const { code, output } = await project.run(['dev'], { database });

    expect(code).toBe(1);
    for (const sentence of sentences) {
      expect(output).toMatch(sentence);
    }
    expect(isForPeople(output)).toBe(true);
  });

  it('with a missing env file stops start, but not dev', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph' }, env: './.env' },
      'a.ts': GRAPH,
      '.env.example': 'KEY=\n',
    });
    const { code, output } = await project.run(['start'], { database });
    expect(code).toBe(1);
    expect(output).toMatch(/env: cannot read .+\.env/);

    const server = await project.start({ database });
    expect(server.output()).toMatch(/Warning: .+env: .+\.env does not exist; copy \.env\.example to \.env/);
    await server.stop();
  });

  it.each(['start', 'worker', 'migrate', 'openapi'])('that is invalid stops %s, too', async (command) => {
    const project = await projectOf({ 'langgraph.json': { graphs: {} } });
    const { code, output } = await project.run([command], { database });

    expect(code).toBe(1);
    expect(output).toContain('langgraph.json: graphs: expected an object with at least one graph');
  });

  it('that is missing is reported', async () => {
    const { code, output } = await runToEnd(['dev'], { project: os.tmpdir(), database });

    expect(code).toBe(1);
    expect(output).toContain(`There is no langgraph.json in ${os.tmpdir()}.`);
    expect(output).toContain('nestgraph dev --config path/to/langgraph.json');
    expect(isForPeople(output)).toBe(true);
  });

  it('may be in another folder; its paths are relative to that folder', async () => {
    const project = await projectOf({ 'conf/mine.json': { graphs: { a: '../a.ts:graph' } }, 'a.ts': GRAPH });
    const config = path.join(project.folder, 'conf/mine.json');
    const server = await startServer({ project: os.tmpdir(), database, args: ['--config', config] });

    expect(server.output()).toContain('  Graphs  a\n');
    await server.stop();
  });

  it('may use unsupported settings: the server warns and starts', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph' }, ui: { a: './ui.tsx' }, parrots: true },
      'a.ts': GRAPH,
    });
    const server = await project.start({ database });

    expect(server.output()).toContain(
      'Warning: langgraph.json: ui is not supported by this version yet; it is ignored\n',
    );
    expect(server.output()).toContain('Warning: langgraph.json: parrots is not a known key; it is ignored\n');
    await server.stop();
  });

  it('provides the environment of the graphs', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph' }, env: '.env' },
      '.env': 'PARROT=Polly\nNESTGRAPH_BODY_LIMIT_MB=1\n',
      'a.ts': GRAPH.replace('() => ({})', `() => ({ messages: [{ role: 'user', content: process.env.PARROT }] })`),
    });
    const server = await project.start({ database });
    const { json } = await sendJson(`${server.url}/runs/wait`, { assistant_id: 'a', input: {} });

    expect(json).toMatchObject({ messages: [{ content: 'Polly' }] });
    await server.stop();
  });

  it.each([
    ['NESTGRAPH_HEARTBEAT_SECS', '60', /NESTGRAPH_HEARTBEAT_SECS: expected less than NESTGRAPH_LEASE_SECS/],
    ['N_JOBS_PER_WORKER', 'ten', /N_JOBS_PER_WORKER: expected a whole number of at least 0, got "ten"/],
    ['LOG_JSON', 'yes', /LOG_JSON: expected true or false, got "yes"/],
    ['PORT', '99999', /PORT: expected a whole number from 0 to 65535/],
    ['DATABASE_URI', 'mysql://me:s3cret@host/db', /DATABASE_URI: expected an address like postgres:/],
  ])('is valid, but an invalid %s stops the start', async (name, value, sentence) => {
    const { code, output } = await runToEnd(['dev'], { database, env: { [name]: value } });

    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toContain('s3cret');
  });
});

/** Graphs that do not load, by id, with the expected messages. */
const BROKEN: Record<string, { file?: string; sentences: RegExp[] }> = {
  missing: { sentences: [/could not be loaded: the file .+\/missing\.ts does not exist/] },
  throws: {
    file: 'throw new RangeError("no parrots today");',
    sentences: [/could not be loaded: RangeError: no parrots today/],
  },
  syntax: { file: 'export const graph = \nconst x = (;\n', sentences: [/could not be loaded: /, /syntax\.ts:2\b/] },
  'import-of-no-file': {
    file: 'import "./nowhere.js"; export const graph = 1;',
    sentences: [/could not be loaded: .*nowhere\.js/],
  },
  'import-of-no-package': {
    file: 'import x from "no-such-package-at-all"; export const graph = x;',
    sentences: [/could not be loaded: .*no-such-package-at-all/],
  },
  'other-exports': {
    file: 'export const agent = 1; export const other = 2;',
    sentences: [/could not be loaded: it has no export "graph"; it exports agent, other/],
  },
  'no-exports': {
    file: 'const x = 1; void x;',
    sentences: [/it has no export "graph"; it exports nothing/],
  },
  number: { file: 'export const graph = 7;', sentences: [/expected a graph, a builder or a factory, got number/] },
  object: { file: 'export const graph = {};', sentences: [/got an unsupported object/] },
  rejected: {
    file: 'export const graph = Promise.reject(new TypeError("promised too much"));',
    sentences: [/could not be loaded: TypeError: promised too much/],
  },
};

describe('a graph', () => {
  it('that fails to load stops start', async () => {
    const graphs = { a: './a.ts:graph', throws: './throws.ts:graph' };
    const project = await projectOf({
      'langgraph.json': { graphs },
      'a.ts': GRAPH,
      'throws.ts': BROKEN.throws.file!,
    });
    const { code, output } = await project.run(['start', '--port', '0'], { database });

    expect(code).toBe(1);
    expect(output).toMatch(/Graph "throws" \(.+\/throws\.ts:graph\) could not be loaded: RangeError: no parrots today/);
    expect(output).not.toContain('API');
  });

  it('that fails to load is reported with the reason', async () => {
    const ids = Object.keys(BROKEN);
    const files = ids.flatMap((id) => (BROKEN[id].file ? [[`${id}.ts`, BROKEN[id].file]] : []));
    const graphs = Object.fromEntries(ids.map((id) => [id, `./${id}.ts:graph`]));
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph', ...graphs } },
      'a.ts': GRAPH,
      ...(Object.fromEntries(files) as Record<string, string>),
    });
    const server = await project.start({ database });
    const lines = server.output().split(/(?=Graph ")/);

    for (const id of ids) {
      const line = lines.find((text) => text.startsWith(`Graph "${id}" (${project.folder}/${id}.ts:graph)`));
      for (const sentence of BROKEN[id].sentences) {
        expect(line).toMatch(sentence);
      }
    }
    await server.stop();
  });

  it('that fails to load in dev does not affect the others, and is loaded after its file was fixed', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph', b: './src/b.ts:graph' } },
      'a.ts': GRAPH,
      'src/b.ts': `import { tool } from './tool.js';\nexport const graph = tool();\n`,
      'src/tool.ts': `const fail = () => {\n  throw new RangeError('no tools', { cause: new Error('no key') });\n};\n\nexport const tool = () =>\n  fail();\n`,
    });
    const server = await project.start({ database });
    const run = (assistant_id: string) => sendJson(`${server.url}/runs/wait`, { assistant_id, input: {} });
    const sentence = /Graph "b" .+: RangeError: no tools; caused by Error: no key \(src\/tool\.ts:2\)/;

    expect(server.output()).toMatch(sentence);
    expect((await run('a')).status).toBe(200);
    expect(await run('b')).toMatchObject({
      status: 503,
      json: { code: 'graph_not_loaded', detail: expect.stringMatching(sentence) as unknown },
    });
    expect(await send(`${server.url}/assistants/b/schemas`)).toMatchObject({
      status: 503,
      json: { code: 'graph_not_loaded' },
    });
    await project.write('src/tool.ts', `import { graph } from '../a.js';\nexport const tool = () => graph;\n`);
    await server.printed(/Reloaded a, b in/);
    expect((await run('b')).status).toBe(200);
    await server.stop();
  });

  it('that fails stops start, unless failed graphs are skipped', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { a: './a.ts:graph', b: './b.ts:graph' } },
      'a.ts': GRAPH,
    });
    const server = await project.start({ database, command: 'start', args: ['--skip-failed-graphs'] });

    expect(server.output()).toMatch(/Graph \\"b\\" .+ does not exist; its requests fail with 503/);
    await server.stop();
  });
});

describe('the port', () => {
  let taken: Server;
  let port: number;

  /** Listens, unless the port is already taken. */
  async function take(wanted: number): Promise<Server> {
    const server = createServer();
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening').catch(() => undefined);
    return server;
  }

  beforeAll(async () => {
    taken = await take(0);
    port = (taken.address() as { port: number }).port;
  });
  afterAll(() => void taken.close());

  it.each([
    ['--port', (port: string) => ({ args: ['dev', '--port', port], env: {} })],
    ['PORT', (port: string) => ({ args: ['dev'], env: { PORT: port } })],
  ])('requested by %s that is taken stops the start', async (_name, ask) => {
    const { args, env } = ask(String(port));
    const { code, output } = await runToEnd(args, { database, env });

    expect(code).toBe(1);
    expect(output).toBe(
      `Port ${port} on 127.0.0.1 is taken by another program. ` +
        'Stop it, or choose another port with --port or PORT.\n',
    );
  });

  it('defaults to the next free one if 2024 is taken, and prints it', async () => {
    const guard = await take(2024);
    try {
      const server = await startServer({ database, listen: [] });
      const [, used] = /^Port 2024 is taken; using (\d+)\.$/m.exec(server.output()) ?? [];

      expect(Number(used)).toBeGreaterThan(2024);
      expect(server.url).toBe(`http://127.0.0.1:${used}`);
      expect(await send(`${server.url}/ok`)).toMatchObject({ status: 200, json: { ok: true } });
      await server.stop();
    } finally {
      guard.close();
    }
  });

  it('on an address that this machine does not have is reported', async () => {
    const { code, output } = await runToEnd(['dev', '--host', '203.0.113.7', '--port', '0'], { database });

    expect(code).toBe(1);
    expect(output).toMatch(/Cannot listen on 203\.0\.113\.7 port 0: .+ Choose another one with --host and --port\./);
    expect(isForPeople(output)).toBe(true);
  });
});

describe('the database', () => {
  it.each([
    [
      'no server listens',
      'postgres://parrot:s3cret@127.0.0.1:1/cage',
      /127\.0\.0\.1:1\/cage cannot be reached: .*ECONNREFUSED/,
      ['dev', 'start', 'worker', 'migrate'],
    ],
    [
      'the host does not exist',
      'postgres://parrot:s3cret@no.such.host.invalid/cage',
      /cannot be reached: .*no\.such\.host/,
      ['migrate'],
    ],
  ])(
    'that is unreachable because %s is reported without the password',
    async (_name, DATABASE_URI, sentence, commands) => {
      for (const command of commands) {
        const { code, output } = await runToEnd([command], { env: { DATABASE_URI } });

        expect(code).toBe(1);
        expect(output).toMatch(sentence);
        expect(output).toContain('parrot:***@');
        expect(output).not.toContain('s3cret');
        expect(output).toContain('Check DATABASE_URI');
        expect(isForPeople(output)).toBe(true);
      }
    },
  );

  it('that does not exist on its server is reported', async () => {
    const DATABASE_URI = database.uri.replace(/test_\w+/, 'no_such_database');
    const { code, output } = await runToEnd(['dev'], { env: { DATABASE_URI } });

    expect(code).toBe(1);
    expect(output).toMatch(/cannot be reached: .*"no_such_database" does not exist/);
    expect(isForPeople(output)).toBe(true);
  });

  it('without a schema is rejected by start and worker until migrate has run', async () => {
    const empty = await createDatabase({ empty: true });
    try {
      for (const command of ['start', 'worker']) {
        const { code, output } = await runToEnd([command], { database: empty });
        expect(code).toBe(1);
        expect(output).toMatch(/schema is not up to date\. Run `nestgraph migrate` with the same DATABASE_URI/);
        expect(isForPeople(output)).toBe(true);
      }
      const first = await runToEnd(['migrate'], { database: empty });
      expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/^Applied \w+, \w+.*: postgres/) });
      const second = await runToEnd(['migrate'], { database: empty });
      expect(second).toMatchObject({ code: 0, output: expect.stringMatching(/^The schema is up to date: postgres/) });

      const server = await startServer({ command: 'start', database: empty });
      expect(await send(`${server.url}/ok?check_db=1`)).toMatchObject({ status: 200 });
      expect(await server.stop()).toBe(0);
    } finally {
      await empty.drop();
    }
  });

  it('is migrated by dev, even by two servers at once', async () => {
    const empty = await createDatabase({ empty: true });
    try {
      const servers = await Promise.all([startServer({ database: empty }), startServer({ database: empty })]);
      for (const server of servers) {
        expect(await sendJson(`${server.url}/assistants/count`, {})).toMatchObject({ status: 200 });
      }
      const { rows } = await empty.pool.query('SELECT assistant_id FROM assistants');
      expect(rows).toHaveLength(Object.keys(graphsOfTests()).length);
      await Promise.all(servers.map((server) => server.stop()));
    } finally {
      await empty.drop();
    }
  });

  const graphsOfTests = (): object =>
    (JSON.parse(readFileSync(path.join(TEST_PROJECT, 'langgraph.json'), 'utf8')) as { graphs: object }).graphs;
});

describe('a server', () => {
  it('prints its address, its graphs and the location of its data', async () => {
    const project = await projectOf({
      'langgraph.json': { graphs: { first: './a.ts:graph', second: './a.ts:graph' } },
      'a.ts': GRAPH,
    });
    const server = await project.start({ database });
    const { pathname } = new URL(database.uri.replace('@/', '@localhost/'));

    const output = server.output().split('\n');
    const lines = output.slice(output.indexOf(`Nestgraph ${version}`) + 1);
    expect(lines.slice(0, 4)).toEqual([
      `  API     ${server.url}`,
      `  Docs    ${server.url}/docs`,
      `  Studio  https://smith.langchain.com/studio/?baseUrl=${encodeURIComponent(server.url)}`,
      '  Graphs  first, second',
    ]);
    expect(lines[4]).toMatch(/^ {2}Data {4}postgres/);
    expect(lines[4]).toContain(pathname);
    expect(lines[4]).toContain(':***@');
    // The complete output of a process arrives before its end.
    const isOld = Number.parseInt(process.versions.node) < 22;
    await server.stop();
    expect(/Node 20\S+ is out of support/.test(server.output())).toBe(isOld);
  });

  it('serves the documentation at the printed URL', async () => {
    const server = await startServer({ database });
    const [, docs] = /^ {2}Docs {4}(\S+)$/m.exec(server.output())!;
    const page = await send(docs);

    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('Nestgraph');
    const script = /src="([^"]*swagger-ui-bundle\.js)"/.exec(page.text)![1];
    expect((await send(new URL(script, docs).href)).status).toBe(200);
    expect((await send(`${server.url}/openapi.json`)).json).toMatchObject({ info: { title: 'Nestgraph' } });
    await server.stop();
  });

  it('can be served below a path', async () => {
    const server = await startServer({ database, env: { MOUNT_PREFIX: '/graphs' } });

    expect(server.url).toMatch(/:\d+\/graphs$/);
    const page = await send(`${server.url}/docs`);
    const script = /src="([^"]*swagger-ui-bundle\.js)"/.exec(page.text)![1];
    expect(await send(new URL(script, `${server.url}/docs`).href)).toMatchObject({ status: 200 });
    for (const route of ['/ok', '/docs', '/openapi.json', '/assistants/steps']) {
      expect(await send(server.url + route)).toMatchObject({ status: 200 });
      expect(await send(new URL(server.url).origin + route)).toMatchObject({ status: 404 });
    }
    const answer = await sendJson(`${server.url}/runs/wait`, { assistant_id: 'steps', input: {} });
    expect(answer).toMatchObject({ status: 200, json: { path: ['one', 'two', 'three'] } });
    await server.stop();
  });

  it('uses the packages of the project if they are installed', async () => {
    const project = await projectOf({ 'langgraph.json': { graphs: { a: './a.ts:graph' } }, 'a.ts': GRAPH });
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(project.folder, 'node_modules'));
    const server = await project.start({ database });
    const input = { messages: [{ role: 'user', content: 'Hello' }] };

    expect(await sendJson(`${server.url}/runs/wait`, { assistant_id: 'a', input })).toMatchObject({
      status: 200,
      json: { messages: [{ type: 'human', content: 'Hello' }] },
    });
    await server.stop();
  });

  it('logs one JSON object per line in production, and plain text to a file in dev', async () => {
    const own = await createDatabase();
    const provoke = async (url: string): Promise<void> => {
      await own.pool.query('ALTER TABLE threads RENAME TO hidden_threads');
      expect(await sendJson(`${url}/threads/search`, {})).toMatchObject({ status: 500 });
      await own.pool.query('ALTER TABLE hidden_threads RENAME TO threads');
    };
    try {
      const start = await startServer({ command: 'start', database: own });
      await provoke(start.url);
      await start.printed(/x-request-id=/);
      const line = start
        .output()
        .split('\n')
        .find((text) => text.includes('x-request-id='))!;
      expect(JSON.parse(line)).toMatchObject({
        level: 'error',
        message: expect.stringContaining('POST /threads/search'),
      });
      await start.stop();

      const dev = await startServer({ database: own });
      await provoke(dev.url);
      await dev.printed(/POST \/threads\/search/);
      // eslint-disable-next-line no-control-regex -- colours are for terminals
      expect(dev.output()).not.toMatch(/\u001b/);
      await dev.stop();
    } finally {
      await own.drop();
    }
  });
});

describe('a worker', () => {
  it('executes runs that a server without slots has accepted, and the client there gets the result', async () => {
    const server = await startServer({ command: 'start', database, env: { N_JOBS_PER_WORKER: '0' } });
    const { json } = await sendJson(`${server.url}/threads`, {});
    const { thread_id } = json as { thread_id: string };
    const body = { assistant_id: 'steps', input: {} };
    const wait = await open(`${server.url}/threads/${thread_id}/runs/wait`, body);
    const stateless = await open(`${server.url}/runs/wait`, body);
    const failing = await open(`${server.url}/runs/wait`, { assistant_id: 'failing', input: {} });
    expect(await send(`${server.url}/threads/${thread_id}/runs`)).toMatchObject({ json: [{ status: 'pending' }] });

    const worker = await startServer({ command: 'worker', database });
    expect(worker.output()).toMatch(/^Nestgraph worker: 10 slots$/m);
    expect(worker.output()).toMatch(/^ {2}Data {4}postgres/m);

    const answer = { path: ['one', 'two', 'three'] };
    expect(JSON.parse(await wait.ended)).toEqual(answer);
    expect(JSON.parse(await stateless.ended)).toEqual(answer);
    expect(JSON.parse(await failing.ended)).toEqual({ __error__: { error: 'CoffeeError', message: 'out of beans' } });
    expect(await send(`${server.url}/threads/${thread_id}/runs`)).toMatchObject({ json: [{ status: 'success' }] });
    expect(await worker.stop()).toBe(0);
    expect(await server.stop()).toBe(0);
  });

  it('does not answer HTTP', async () => {
    const worker = await startServer({ command: 'worker', database });

    expect(worker.output()).not.toContain('http://');
    await worker.stop('SIGINT');
  });

  it('without slots does not start', async () => {
    const { code, output } = await runToEnd(['worker'], { database, env: { N_JOBS_PER_WORKER: '0' } });

    expect(code).toBe(1);
    expect(output).toContain('N_JOBS_PER_WORKER: expected at least 1 for a worker, got 0');
  });
});
