// Checks that the package works for a user: packs it, installs it into a new LangGraph.js project and serves the project.
// Needs npm and its configured registry. Removes all its files at the end.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { packNestgraph } from './lib/pack.mjs';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const LANGCHAIN = ['@langchain/core@1.4.0', '@langchain/langgraph@1.7.3'];

const run = promisify(execFile);
let checks = 0;

/** Reports a check that has passed, or exits with the expected result. */
function check(what, isRight, got) {
  if (!isRight) {
    const details = got === undefined ? '' : `; got ${typeof got === 'string' ? got : JSON.stringify(got)}`;
    throw new Error(`${what}: this does not hold${details}`);
  }
  checks += 1;
  process.stdout.write(`ok ${checks} ${what}\n`);
}

const FILES = {
  'package.json': { name: 'parrots', private: true, type: 'module' },
  'langgraph.json': { graphs: { agent: './src/agent.ts:graph' }, env: '.env' },
  '.env': 'GREETING=Ahoy\n',
  'src/greeting.ts': `export const greeting = (name: string): string => \`\${process.env.GREETING} \${name}!\`;\n`,
  'src/agent.ts': `
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { END, interrupt, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { greeting } from './greeting.js';

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state, config) => {
    const [question] = state.messages;
    if (!(question instanceof HumanMessage)) {
      throw new Error('The server has another copy of @langchain/core than the project.');
    }
    const model = new FakeListChatModel({ responses: [greeting(question.text)] });
    return { messages: [await model.invoke(state.messages, config)] };
  })
  .addNode('person', () => ({ messages: [new AIMessage(String(interrupt('Is that right?')))] }))
  .addEdge(START, 'model')
  .addEdge('model', 'person')
  .addEdge('person', END)
  .compile();
`,
};

async function main() {
  // Not in a folder below this one: Node would resolve packages from the node_modules of this repository.
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'nestgraph-package-')));
  await chmod(folder, 0o755);
  let server;
  try {
    const project = path.join(folder, 'project');
    await makeProject(project);
    await install(project, await pack(folder));
    server = await startServer(project);
    await useServer(project, server.url);
    await stopServer(server, project);
  } catch (error) {
    throw new Error(`${error.message}${server ? `\n--- output of the server\n${server.output()}` : ''}`, {
      cause: error,
    });
  } finally {
    if (server) {
      killGroup(server.child, 'SIGKILL');
    }
    for (const pid of await processesOf(folder)) {
      killIfThere(pid, 'SIGKILL');
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function pack(folder) {
  const { tarball, files: names } = await packNestgraph(folder);
  check(
    'the package has the program, its types and its documents',
    ['dist/src/main.js', 'dist/src/index.js', 'dist/src/index.d.ts', 'README.md', 'docker/Dockerfile'].every((name) =>
      names.includes(name),
    ),
  );
  const needless = names.filter((name) => /\.spec\.|(^|\/)test\/|\.tsbuildinfo$|(^|\/)\.nestgraph\//.test(name));
  check('the package has no tests and no build state', needless.length === 0, needless);
  return tarball;
}

async function makeProject(project) {
  for (const [name, content] of Object.entries(FILES)) {
    const file = path.join(project, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
}

async function install(project, tarball) {
  const npm = (...args) => run('npm', ['install', '--no-audit', '--no-fund', ...args], { cwd: project });
  await npm(...LANGCHAIN);
  const own = (name) => path.join(project, 'node_modules', '@langchain', name);
  check('the project has LangGraph of its own', existsSync(own('langgraph')) && existsSync(own('core')));
  await npm('-D', tarball);
  const brought = path.join(project, 'node_modules/nestgraph/node_modules/@langchain');
  check('the package brings no LangGraph of its own', !existsSync(brought));
  const { stdout } = await run('npx', ['nestgraph', '--version'], { cwd: project });
  check('npx nestgraph --version prints the version', /^\d+\.\d+\.\d+/.test(stdout), stdout);
}

/** As in a terminal: npx and its child processes are one process group, and Ctrl-C reaches all of them. */
async function startServer(project) {
  const port = await freePort();
  const env = { ...process.env };
  delete env.DATABASE_URI;
  const child = spawn('npx', ['nestgraph', 'dev', '--port', String(port)], {
    cwd: project,
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  }
  const server = { child, url: `http://127.0.0.1:${port}`, output: () => text };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isWell(server.url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      killGroup(child, 'SIGKILL');
      throw new Error(`npx nestgraph dev does not serve:\n${text}`);
    }
    await sleep(100);
  }
  check('npx nestgraph dev answers /ok', true);
  check(
    'it says where it listens and which graphs it has',
    text.includes(server.url) && /Graphs +agent\n/.test(text),
    text,
  );
  return server;
}

const isWell = (url) =>
  fetch(`${url}/ok?check_db=1`).then(
    ({ ok }) => ok,
    () => false,
  );

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Uses the SDK that is installed with the project's LangGraph. */
async function useServer(project, apiUrl) {
  const fromProject = createRequire(path.join(project, 'package.json'));
  const fromLangGraph = createRequire(fromProject.resolve('@langchain/langgraph'));
  const { Client } = await import(pathToFileURL(fromLangGraph.resolve('@langchain/langgraph-sdk')).href);
  const client = new Client({ apiUrl, apiKey: null });
  const input = { messages: [{ role: 'user', content: 'captain' }] };
  const greeting = 'Ahoy captain!';

  const info = await fetch(`${apiUrl}/info`).then((response) => response.json());
  check('it runs the LangGraph of the project', LANGCHAIN[1].endsWith(`@${info.langgraph_js_version}`), info);
  const assistants = await client.assistants.search();
  check('the SDK finds the graph', assistants.length === 1 && assistants[0].graph_id === 'agent', assistants);

  const thread = await client.threads.create();
  const values = await client.runs.wait(thread.thread_id, 'agent', { input });
  check('wait returns the result', values.messages.at(-1).content === greeting, values);
  check('wait returns the interrupt', values.__interrupt__?.[0]?.value === 'Is that right?', values);

  const tokens = [];
  for await (const { event, data } of client.runs.stream(null, 'agent', { input, streamMode: 'messages-tuple' })) {
    if (event === 'error') {
      throw new Error(`the stream ended with ${data.error}: ${data.message}`);
    }
    if (event === 'messages') {
      tokens.push(data[0].content);
    }
  }
  check('a stream contains the tokens', tokens.filter(Boolean).length >= 2 && tokens.join('') === greeting, tokens);

  const waiting = await client.threads.getState(thread.thread_id);
  check(
    'the state says what is next',
    waiting.next.join() === 'person' && waiting.values.messages.length === 2,
    waiting,
  );
  await client.runs.wait(thread.thread_id, 'agent', { command: { resume: 'Aye.' } });
  const resumed = await client.threads.getState(thread.thread_id);
  check('the graph resumes with the resume value', resumed.values.messages.at(-1).content === 'Aye.', resumed.values);
  const history = await client.threads.getHistory(thread.thread_id);
  check('the history has every step', history.length >= 4, history.length);
}

async function stopServer({ child, output }, project) {
  check('the data is in the project', existsSync(path.join(project, '.nestgraph/postgres/data/PG_VERSION')));
  const exited = child.exitCode === null ? once(child, 'exit') : undefined;
  killGroup(child, 'SIGINT');
  await Promise.race([exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  check('Ctrl-C ends it', child.exitCode !== null || child.signalCode !== null, output());
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  let left = await processesOf(project);
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(100);
    left = await processesOf(project);
  }
  check('nothing is left running', left.length === 0, left);
}

/** Processes that were started from the folder or have it as working directory. Empty without /proc. */
async function processesOf(folder) {
  const names = existsSync('/proc/self') ? await readdir('/proc') : [];
  const found = [];
  for (const pid of names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const directory = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (command.includes(folder) || directory.startsWith(folder)) {
      found.push(Number(pid));
    }
  }
  return found;
}

const killGroup = (child, signal) => killIfThere(-child.pid, signal);

function killIfThere(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has already ended.
  }
}

main().then(
  () => process.stdout.write(`package check: ${checks} checks passed\n`),
  (error) => {
    process.stderr.write(`package check failed after ${checks} checks: ${error.message}\n`);
    process.exitCode = 1;
  },
);
