import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { parseCommandLine } from '../src/cli/args.js';
import { VARIABLES } from '../src/config/env.js';
import { LANGGRAPH_JSON } from '../src/config/langgraph-json.schema.js';
import { Findings } from '../src/config/findings.js';
import { readInto } from '../src/config/read-value.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { send } from './support/http.js';
import { killLeftovers, startServer, type TestServer } from './support/server.js';
import { commandsOf } from './support/shell.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const exists = (file: string): boolean => existsSync(path.join(ROOT, file));

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  'bench/README.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

interface Block {
  page: string;
  language: string;
  text: string;
}

const blocks: Block[] = pages.flatMap((page) =>
  [...read(page).matchAll(/^ *```(\w+)\n(.*?)^ *```/gms)].map(([, language, text]) => ({ page, language, text })),
);
const blocksIn = (...languages: string[]): Block[] => blocks.filter(({ language }) => languages.includes(language));

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const openapi = JSON.parse(read('openapi.json')) as {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  components: { schemas: Record<string, Schema> };
};
interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  allOf?: Schema[];
}

const knownVariables = Object.keys(VARIABLES.shape);
/** Everything that src/config names: also what it refuses or hands on. */
const configSources = readdirSync(path.join(ROOT, 'src/config'))
  .map((name) => read(`src/config/${name}`))
  .join('\n');
/** Read by graphs, SDKs, Node or our own tests and not by the server. */
const FOREIGN_VARIABLES = [
  'LANGGRAPH_API_KEY',
  'LANGSMITH_PROJECT',
  'TEST_PGVECTOR_BIN',
  'NESTGRAPH_PROJECTS',
  'NODE_ENV',
  'LG_WEBHOOK_TOKEN',
];

const isVariable = (name: string): boolean =>
  knownVariables.includes(name) || FOREIGN_VARIABLES.includes(name) || new RegExp(`\\b${name}\\b`).test(configSources);

// Checks give what is wrong, or undefined.

type Check = (words: string[]) => string | undefined;

/** Files of a user's own project, or of an installation. */
const OF_USERS = ['my-project/langgraph.json', 'langgraph.json'];

const fileMissing = (file: string): string | undefined =>
  exists(file) || exists(file.replace(/^dist\/(.*)\.js$/, '$1.ts')) || OF_USERS.includes(file)
    ? undefined
    : `there is no ${file}`;

const nestgraph: Check = (words) => {
  try {
    const options = parseCommandLine(words);
    return typeof options === 'object' && options.config ? fileMissing(options.config) : undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

/** What stands behind `--` of an npm script. */
function scriptArguments(name: string, words: string[]): string | undefined {
  if (name === 'start') {
    return nestgraph(['dev', ...words]);
  }
  if (name.startsWith('bench')) {
    const only = words.indexOf('--only');
    const scenarios = name === 'bench:profile' ? words.slice(0, 1) : only === -1 ? [] : words[only + 1].split(',');
    const unknown = scenarios.filter((scenario) => !exists(`bench/scenarios/${scenario}.mjs`));
    return unknown.length > 0 ? `there is no scenario ${unknown.join(', ')}` : undefined;
  }
  return words
    .filter((word) => /^(src|test)\//.test(word))
    .map(fileMissing)
    .find(Boolean);
}

const npm: Check = ([command, ...rest]) => {
  if (['ci', 'i', 'install', 'pack', 'version'].includes(command)) {
    return undefined;
  }
  const [name, ...others] = command === 'run' ? rest : [command, ...rest];
  if (!(name in scripts)) {
    return `package.json has no script ${name}`;
  }
  const behind = others.indexOf('--');
  return scriptArguments(name, behind === -1 ? [] : others.slice(behind + 1));
};

const docker: Check = (words) => {
  const file = words.includes('-f') ? words[words.indexOf('-f') + 1] : undefined;
  const variable = words.includes('-e') ? words[words.indexOf('-e') + 1].split('=')[0] : undefined;
  return (
    (file && fileMissing(file)) ??
    (variable && !isVariable(variable) ? `${variable} is not a variable of the server` : undefined)
  );
};

interface Request {
  method: string;
  url: string;
  body?: string;
}

function requestOf(words: string[]): Request {
  const valueOf = (...flags: string[]): string | undefined =>
    words[words.findIndex((word) => flags.includes(word)) + 1];
  const body = words.some((word) => ['-d', '--data'].includes(word)) ? valueOf('-d', '--data') : undefined;
  const method = words.includes('-X') ? valueOf('-X') : undefined;
  return { method: method ?? (body ? 'POST' : 'GET'), url: words.find((word) => /^https?:/.test(word)) ?? '', body };
}

const resolve = (schema: Schema = {}): Schema =>
  schema.$ref ? openapi.components.schemas[schema.$ref.replace(/^.*\//, '')] : schema;

const propertiesOf = (schema?: Schema): string[] => {
  const { properties = {}, allOf = [] } = resolve(schema);
  return [...Object.keys(properties), ...allOf.flatMap(propertiesOf)];
};

const curl: Check = (words) => {
  const { method, url, body } = requestOf(words);
  const { pathname } = new URL(url);
  const route = Object.keys(openapi.paths).find((candidate) =>
    new RegExp(`^${candidate.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  const operation = route === undefined ? undefined : openapi.paths[route][method.toLowerCase()];
  if (!operation) {
    return `openapi.json has no ${method} ${pathname}`;
  }
  const known = propertiesOf(operation.requestBody?.content['application/json'].schema);
  const unknown = body ? Object.keys(JSON.parse(body) as object).filter((key) => !known.includes(key)) : [];
  return unknown.length > 0 ? `${method} ${pathname} does not take ${unknown.join(', ')}` : undefined;
};

const node: Check = (words) => {
  const [file, ...rest] = words.filter((word) => word !== '--inspect');
  return fileMissing(file) ?? (file === 'dist/src/main.js' ? nestgraph(rest) : undefined);
};

const pipeline: Check = (words) => {
  const [, stages] = /^all='(.*)'$/m.exec(read('.ci/run'))!;
  const unknown = words.filter((word) => ![...stages.split(' '), '--help'].includes(word));
  return unknown.length > 0 ? `.ci/run has no stage ${unknown.join(', ')}` : undefined;
};

const PROGRAMS: Record<string, Check> = {
  npm,
  // Other package managers install us, and nothing else.
  yarn: ([command, ...rest]) =>
    command === 'add' && rest.some((word) => word === 'nestgraph') ? undefined : `yarn ${command} is not ours`,
  npx: ([name, ...rest]) => (name === 'nestgraph' ? nestgraph(rest) : `npx ${name} is not ours`),
  nestgraph,
  docker,
  curl,
  node,
  python: ([file]) => fileMissing(file),
  '.ci/run': pipeline,
  git: () => undefined,
  cd: () => undefined,
  pip: ([, name]) => (name === 'langgraph-sdk' ? undefined : `${name} is not needed`),
};

const shells = blocksIn('sh', 'bash', 'shell').flatMap(({ page, text }) =>
  commandsOf(text).map((command) => ({ page, ...command, line: command.words.join(' ') })),
);

describe('commands in shell blocks', () => {
  it('are found', () => {
    expect(shells.length).toBeGreaterThan(40);
    expect(new Set(shells.map(({ page }) => page)).size).toBeGreaterThan(7);
  });

  it('are accepted by what they call', () => {
    const wrong = shells
      .filter(({ words }) => words.length > 0)
      .map(({ page, words: [program, ...rest], line }) => {
        const check = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
        const fault = check ? check(rest) : `nothing knows ${program}`;
        return fault && `${page}: ${line}: ${fault}`;
      });

    expect(wrong.filter(Boolean)).toEqual([]);
  });

  it('set only variables that the server reads', () => {
    const unknown = shells
      .filter(({ words }) => words.length > 0)
      .flatMap(({ page, variables }) => Object.keys(variables).map((name) => ({ page, name })))
      .filter(({ name }) => !isVariable(name));

    expect(unknown).toEqual([]);
  });

  it.each([
    ['npm run no-such-script', npm, /no script/],
    ['npm run bench -- --only wait,nothing', npm, /nothing/],
    ['npm test -- test/none.spec.ts', npm, /none/],
    ['nestgraph dev --tunnel', nestgraph, /tunnel/],
    ['nestgraph up', nestgraph, /not a command/],
    [`curl http://127.0.0.1:2024/nowhere`, curl, /no GET/],
    [`curl http://127.0.0.1:2024/runs -d '{"assistant": "chat"}'`, curl, /assistant/],
    ['docker build -f Dockerfile .', docker, /Dockerfile/],
    ['docker run -e DATABASE_URL=x nestgraph', docker, /DATABASE_URL/],
    ['.ci/run everything', pipeline, /everything/],
  ])('a wrong one is noticed: %s', (line, check, fault) => {
    const [{ words }] = commandsOf(line);

    expect(check(words.slice(1))).toMatch(fault);
  });
});

describe('code in the text', () => {
  const inline = pages.flatMap((page) =>
    [
      ...read(page)
        .replace(/^ *```.*?^ *```/gms, '')
        .matchAll(/`([^`\n]+)`/g),
    ].map(([, code]) => ({ page, code })),
  );

  it('names npm scripts that exist', () => {
    const wrong = inline
      .map(({ page, code }) => ({ page, code, words: code.split(' ') }))
      .filter(({ code }) => /^npm (run|test|start)\b/.test(code))
      .map(({ page, code }) => {
        const fault = npm(commandsOf(code)[0].words.slice(1));
        return fault && `${page}: ${code}: ${fault}`;
      });

    expect(wrong.filter(Boolean)).toEqual([]);
  });

  it('names commands and options that our parser accepts', () => {
    const ours = inline.filter(({ code }) => /^(npx )?nestgraph [a-z-]/.test(code) && !/[<[…|]/.test(code));
    const wrong = ours.map(({ page, code }) => {
      const fault = nestgraph(code.replace(/^(npx )?nestgraph /, '').split(' '));
      return fault && `${page}: ${code}: ${fault}`;
    });

    expect(ours.length).toBeGreaterThan(10);
    expect(wrong.filter(Boolean)).toEqual([]);
  });

  it('names files that exist', () => {
    const paths = inline
      .map(({ page, code }) => ({ page, file: code.replace(/^node /, '') }))
      .filter(({ file }) =>
        /^(src|test|docs|scripts|bench|docker|migrations|examples|\.ci|\.github)\/[\w./-]+$/.test(file),
      )
      .filter(({ file }) => !/NNNN|\.nestgraph/.test(file));
    const missing = paths.filter(({ file }) => !exists(file));

    expect(paths.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  it('names variables that the server knows', () => {
    const names = inline.flatMap(({ page, code }) =>
      [
        ...code.matchAll(
          /\b((?:NESTGRAPH|BG_JOB|LANGGRAPH|LANGSMITH|LANGCHAIN|N_JOBS|DATABASE|REDIS|POSTGRES|LOG|CORS|MOUNT)_[A-Z_]*[A-Z])\b(?!_)/g,
        ),
      ].map(([, name]) => ({ page, name })),
    );

    expect(names.length).toBeGreaterThan(100);
    expect(names.filter(({ name }) => !isVariable(name))).toEqual([]);
  });
});

describe('blocks of other languages', () => {
  it('of JSON can be parsed, and settings are valid for langgraph.json', () => {
    const wrong = blocksIn('json').flatMap(({ page, text }) => {
      const value = JSON.parse(text) as Record<string, unknown>;
      if ('detail' in value) {
        return [];
      }
      const findings = new Findings();
      readInto(LANGGRAPH_JSON, { graphs: { agent: './agent.ts:graph' }, ...value }, findings);
      return [...findings.problems, ...findings.warnings].map((sentence) => `${page}: ${sentence}`);
    });

    expect(blocksIn('json').length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });

  it('of JavaScript and TypeScript can be parsed', () => {
    const wrong = blocksIn('js', 'ts').flatMap(({ page, text }) =>
      (
        ts.transpileModule(text, { reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ES2022 } })
          .diagnostics ?? []
      ).map(({ messageText }) => `${page}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
    );

    expect(wrong).toEqual([]);
  });

  it('have a language', () => {
    const languages = new Set(blocks.map(({ language }) => language));

    expect([...languages].sort()).toEqual(['js', 'json', 'mermaid', 'python', 'sh', 'sql', 'ts']);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('fits on a page and begins with the commands of a newcomer', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(121);
    expect(readme).toMatch(/^npm ci && npm start\b/m);
    expect(readme).toMatch(/^npm ci && npm test\b/m);
  });

  it('leads to every document', () => {
    const guides = readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));

    expect(guides.filter((name) => !readme.includes(`(docs/${name})`))).toEqual([]);
  });
});

it('docs/decisions/README.md lists every decision with its title', () => {
  const index = read('docs/decisions/README.md');
  const files = readdirSync(path.join(ROOT, 'docs/decisions')).filter((name) => /^\d{4}-/.test(name));
  const rows = files.map((name) => {
    const [, number, title] = /^# (\d+)\. (.*)$/m.exec(read(`docs/decisions/${name}`))!;
    return `| ${number} | [${title}](${name}) |`;
  });

  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((row) => index.split(row).length !== 2)).toEqual([]);
  expect(rows.map((row) => Number(row.split(' ')[1]))).toEqual(files.map((name) => Number(name.slice(0, 4))));
});

it('workflows run commands that exist', () => {
  const workflows = readdirSync(path.join(ROOT, '.github/workflows')).map((name) => read(`.github/workflows/${name}`));
  const lines = workflows.flatMap((text) => [...text.matchAll(/- run: (.*)$/gm)].map(([, line]) => line));
  const wrong = lines
    .filter((line) => !line.includes('${{'))
    .map((line) => commandsOf(line)[0].words)
    .map(([program, ...rest]) => PROGRAMS[program](rest));

  expect(lines.length).toBeGreaterThan(2);
  expect(wrong.filter(Boolean)).toEqual([]);
});

/** Where documents may send their readers; also addresses that stand for one of the reader's. */
const HOSTS = [
  'github.com',
  'keepachangelog.com',
  'semver.org',
  'tsx.is',
  'www.standardwebhooks.com',
  'smith.langchain.com',
  'api.smith.langchain.com',
  'agentchat.vercel.app',
  'example.com',
  'app.example.com',
  'login.example.com',
  'localhost',
  '127.0.0.1',
  'api',
];

it('documents lead to no other host than those that are known', () => {
  const folders = ['docs/contract', 'docs/decisions'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder)).map((name) => `${folder}/${name}`),
  );
  const files = [...pages, ...folders, 'CHANGELOG.md', 'CODE_OF_CONDUCT.md', 'package.json', '.ci/run'];
  const hosts = files.flatMap((file) =>
    [...read(file).matchAll(/https?:\/\/([a-z0-9.-]*[a-z0-9])/gi)].map(([, host]) => ({ file, host })),
  );

  expect(hosts.length).toBeGreaterThan(20);
  expect(hosts.filter(({ host }) => !HOSTS.includes(host))).toEqual([]);
});

it('the jobs of the pipeline run each stage once', () => {
  const stages = [...read('.github/workflows/ci.yml').matchAll(/stages: ([a-z- ]+),/g)].flatMap(([, names]) =>
    names.split(' '),
  );
  const [, all] = /^all='(.*)'$/m.exec(read('.ci/run'))!;

  expect([...stages].sort()).toEqual(all.split(' ').sort());
  expect(pipeline(stages)).toBeUndefined();
});

it('.ci/run --help lists the stages', () => {
  expect(execFileSync(path.join(ROOT, '.ci/run'), ['--help'], { encoding: 'utf8' })).toMatch(/^usage: .*STAGE.* test /);
});

describe('on the example graphs', () => {
  let database: TestDatabase;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    server = await startServer({ database, project: path.join(ROOT, 'examples') });
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await killLeftovers();
    await database?.drop();
  });

  const here = (text: string): string => text.replaceAll('http://127.0.0.1:2024', server.url);

  const calls = shells
    .filter(({ words: [program] }) => program === 'curl')
    .map(({ page, words }) => ({ page, ...requestOf(words) }))
    // Its address is one of the internet.
    .filter(({ body }) => !body?.includes('"webhook"'));

  it.each(
    calls.map(
      (call) => [`${call.page}: ${call.method} ${call.url} ${call.body?.replace(/\s+/g, ' ') ?? ''}`, call] as const,
    ),
  )('%s', async (_name, { method, url, body }) => {
    const answer = await send(here(url), { method, body, headers: { 'content-type': 'application/json' } });

    expect([answer.status, answer.text]).toEqual([200, expect.not.stringMatching(/event: error|__error__/)]);
  });

  it('the client in docs/clients.md prints an answer', async () => {
    const [{ text }] = blocksIn('js').filter(({ page }) => page === 'docs/clients.md');
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', here(text)], { cwd: ROOT });

    expect((await run).stdout).toContain('You said: "Hello"');
  });
});
