// Installs a tarball of Nestgraph into a copy of a project with the project's package manager, starts it and sends the first
// requests of a typical client. Used by scripts/try-project.mjs and by test/projects.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startFakeModel } from './fake-model.mjs';
import { nodeFolder } from './nodes.mjs';
import { managerOf, MANAGERS } from './package-managers.mjs';

const INSTALL_MS = 600_000;
const START_MS = 300_000;
const ANSWER_MS = 60_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
/** The official dev server, which needs no licence. */
const OFFICIAL = ['npx', '--yes', '--package', '@langchain/langgraph-cli@1.5.1', 'langgraphjs'];
const LEFT_OUT = new Set(['node_modules', '.git', '.nestgraph', '.next', '.turbo', '.langgraph_api', 'dist']);

const run = promisify(execFile);

/**
 * Tries a project and returns the results: `manager`, `config` (the path of langgraph.json), `graphs` with the result of
 * each, or `problem`. `manager` overrides the detected one; `prepare` may change the installed copy; `use` is called with
 * the URL of the server; `node` is another version of Node. Without a `tarball` the official dev server is tried.
 */
export async function tryProject(source, { tarball, manager: wanted, prepare, use, node, env: more = {} }) {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'nestgraph-try-')));
  // PostgreSQL does not run as root: its account must be able to enter the folder.
  await chmod(folder, 0o755);
  const root = path.join(folder, path.basename(path.resolve(source)));
  const model = await startFakeModel();
  const env = { ...process.env, ...model.env, CI: '1', ...more };
  delete env.DATABASE_URI;
  let server;
  try {
    if (node) {
      env.PATH = [await nodeFolder(node), env.PATH].join(path.delimiter);
    }
    await cp(source, root, { recursive: true, filter: (file) => !LEFT_OUT.has(path.basename(file)) });
    const config = await findConfig(root);
    if (!config) {
      return { problem: 'there is no langgraph.json' };
    }
    const home = path.dirname(config);
    const manager = wanted ?? managerOf(home, root);
    const found = { manager, config: path.relative(root, config) };
    if (manager === 'npx') {
      env.npm_config_cache = await makeNpxCache(folder);
    }
    const node_major = Number.parseInt(node ?? process.versions.node);
    const problem = await install(MANAGERS[manager], { root, home, tarball, env, node_major });
    if (problem) {
      return { ...found, problem };
    }
    await makeEnvFile(home);
    await prepare?.({ root, home });
    server = await (tarball ? startOurs(MANAGERS[manager].exec(tarball), home, env) : startOfficial(home, env));
    const answers = await ask(server);
    await (server.url && use?.(server.url));
    return { ...found, ...answers };
  } finally {
    await server?.stop();
    model.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function findConfig(folder, depth = 0) {
  const file = path.join(folder, 'langgraph.json');
  if (existsSync(file) || depth === 4) {
    return existsSync(file) ? file : undefined;
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const found =
      entry.isDirectory() && !LEFT_OUT.has(entry.name) && (await findConfig(path.join(folder, entry.name), depth + 1));
    if (found) {
      return found;
    }
  }
  return undefined;
}

/** npx installs into the cache of npm: a separate cache leaves no files. Downloads are shared. */
async function makeNpxCache(folder) {
  const { stdout } = await run('npm', ['config', 'get', 'cache']);
  const downloads = path.join(stdout.trim(), '_cacache');
  const cache = path.join(folder, 'npm-cache');
  await mkdir(downloads, { recursive: true });
  await mkdir(cache);
  await symlink(downloads, path.join(cache, '_cacache'), 'dir');
  return cache;
}

async function install({ install, add }, { root, home, tarball, env, node_major }) {
  const steps = [
    [install, [root, home].find((folder) => existsSync(path.join(folder, 'package.json')))],
    ...(tarball ? [[add(tarball, node_major), home]] : []),
  ];
  for (const [[command, ...args], cwd] of steps.filter(([, cwd]) => cwd)) {
    try {
      await run(command, args, { cwd, env, timeout: INSTALL_MS, maxBuffer: MAX_OUTPUT });
    } catch (error) {
      return `${command} ${args.join(' ')}: ${lastLines(`${error.stdout}\n${error.stderr}`)}`;
    }
  }
  return undefined;
}

/** The step that READMEs of projects prescribe. */
async function makeEnvFile(home) {
  const [example, file] = ['.env.example', '.env'].map((name) => path.join(home, name));
  if (existsSync(example) && !existsSync(file)) {
    await copyFile(example, file);
  }
}

function startOurs(exec, home, env) {
  const command = [...exec, 'nestgraph', 'dev', '--port', '0', '--no-reload'];
  return start(command, { home, env, urlOf: (output) => Promise.resolve(/API {5}(\S+)/.exec(output)?.[1]) });
}

/** Its log does not show reliably when it is ready: polls it. */
async function startOfficial(home, env) {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const command = [...OFFICIAL, 'dev', '--port', String(port), '--no-browser'];
  const isReady = () =>
    fetch(`${url}/ok`)
      .then(({ ok }) => ok)
      .catch(() => false);
  return start(command, { home, env, urlOf: async () => ((await isReady()) ? url : undefined) });
}

async function freePort() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function start([command, ...args], { home, env, urlOf }) {
  const child = spawn(command, args, { cwd: home, detached: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  }
  const closed = once(child, 'close');
  const begun = Date.now();
  let url;
  while (!url && child.exitCode === null && Date.now() - begun < START_MS) {
    await sleep(100);
    url = await urlOf(output);
  }
  return {
    url,
    output: () => output,
    start_ms: Date.now() - begun,
    stop: async () => {
      signal(child, 'SIGINT');
      await Promise.race([closed, sleep(20_000, undefined, { ref: false }).then(() => signal(child, 'SIGKILL'))]);
    },
  };
}

function signal({ pid }, name) {
  try {
    process.kill(-pid, name);
  } catch {
    // The process has already ended.
  }
}

/** The first requests of a client: the graphs, their drawings and schemas, and a run of each graph with messages. */
async function ask({ url, output, start_ms }) {
  if (!url) {
    return { problem: lastLines(output()) };
  }
  const get = async (address, json) => {
    const response = await fetch(url + address, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(json && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
    });
    const body = await response.text();
    return response.ok ? JSON.parse(body) : { refused: `${response.status} ${body}` };
  };
  const assistants = await get('/assistants/search', { limit: 100 });
  const { langgraph_js_version } = await get('/info');
  const graphs = {};
  for (const { assistant_id, graph_id } of assistants) {
    const drawing = await get(`/assistants/${assistant_id}/graph?xray=true`);
    const schemas = await get(`/assistants/${assistant_id}/schemas`);
    const properties = schemas.input_schema?.properties;
    const input = properties?.messages ? { messages: [{ role: 'user', content: 'Hello' }] } : {};
    const result = await get('/runs/wait', { assistant_id, input, config: { recursion_limit: 10 } });
    graphs[graph_id] = {
      nodes: drawing.nodes?.length ?? drawing.refused,
      inputs: properties ? Object.keys(properties) : schemas.refused,
      run: result.refused ?? result.__error__?.message ?? 'ok',
      answer: result.messages?.at(-1)?.content,
    };
  }
  return { start_ms, langgraph: langgraph_js_version, graphs, warnings: warningsOf(output()) };
}

const warningsOf = (output) => output.split('\n').filter((line) => /Warning:|could not be loaded/.test(line));

const lastLines = (text) => text.trim().split('\n').slice(-12).join('\n');
