import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NODES } from '../../scripts/lib/nodes.mjs';
import { packNestgraph } from '../../scripts/lib/pack.mjs';
import { type TriedProject, type TryOptions, tryProject } from '../../scripts/lib/try-project.mjs';
import { sendJson } from '../support/http.js';

const run = promisify(execFile);

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'nestgraph-projects-'));
  ({ tarball } = await packNestgraph(folder));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const projectOf = (name: string): string => path.join(import.meta.dirname, 'fixtures', name);

const [NODE_20, NODE_22, NODE_24] = NODES;

const served = new Map<string, Promise<TriedProject>>();

/** Tries a project once, however many tests need the result. */
function tryOnce(name: string, options: Omit<TryOptions, 'tarball'> = {}): Promise<TriedProject> {
  const result = served.get(name) ?? tryProject(projectOf(name), { tarball, ...options });
  served.set(name, result);
  return result;
}

describe('a project as it is, with the packed server beside it', () => {
  it.each([
    ['pnpm-workspace', NODE_24.newest, 'pnpm', 'apps/agent/langgraph.json', 'Hello from a linked package, pnpm'],
    ['plug-n-play', NODE_22.oldest, 'berry', 'langgraph.json', 'no node_modules'],
    ['yarn-workspace', NODE_20.oldest, 'yarn', 'langgraph.json', 'CommonJS in words'],
  ])('%s, Node %s', async (name, node, manager, config, answer) => {
    expect(await tryOnce(name, { node })).toMatchObject({
      manager,
      config,
      langgraph: '1.7.3',
      graphs: { agent: { nodes: 3, inputs: ['messages'], run: 'ok', answer } },
    });
  });

  it('agents: createAgent with middleware, deepagents, a supervisor and a swarm', async () => {
    const review = async (url: string): Promise<void> => {
      const { thread_id } = (await sendJson(`${url}/threads`, {})).json as { thread_id: string };
      const ask = async (body: object) =>
        (await sendJson(`${url}/threads/${thread_id}/runs/wait`, { assistant_id: 'reviewed', ...body })).json;
      const input = { messages: [{ role: 'user', content: 'Pay' }] };
      expect(await ask({ input })).toMatchObject({
        todos: [{ content: 'pay' }],
        __interrupt__: [{ value: { actionRequests: [{ name: 'pay', args: { amount: 7 } }] } }],
      });
      const { messages } = (await ask({ command: { resume: { decisions: [{ type: 'approve' }] } } })) as {
        messages: { content: string }[];
      };
      expect(messages.slice(-2).map(({ content }) => content)).toEqual(['paid 7', 'All is paid.']);
    };
    expect(await tryOnce('agents', { use: review })).toMatchObject({
      graphs: {
        reviewed: { inputs: expect.arrayContaining(['messages']), run: 'ok' },
        deep: { run: 'ok', answer: 'The expert said: forty-two' },
        team: { nodes: 9, run: 'ok', answer: 'The expert knew it.' },
        swarm: { nodes: 9, inputs: ['messages', 'activeAgent'], run: 'ok', answer: 'Bob here.' },
      },
    });
  });

  it('outdated: is told the command that upgrades it, which is enough', async () => {
    // npm would refuse the peers before we can; most package managers only warn.
    const env = { npm_config_legacy_peer_deps: 'true' };
    const { problem = '' } = await tryProject(projectOf('outdated'), { tarball, env });
    const [, command] = /^Nestgraph needs @langchain\/core \S+ \(1\.0\.6 is installed in .*\): run (.+)$/.exec(
      problem,
    )!;
    const [program, ...args] = command.split(' ');
    const prepare = async ({ home }: { home: string }) =>
      void (await run(program, args, { cwd: home, env: { ...process.env, ...env } }));
    expect(await tryProject(projectOf('outdated'), { tarball, env, prepare })).toMatchObject({
      graphs: { agent: { run: 'ok', answer: 'up to date' } },
    });
  });
});

describe('what the official dev server runs, side by side', () => {
  it.each(['pnpm-workspace', 'yarn-workspace', 'agents'])('%s', async (name) => {
    const official = await tryProject(projectOf(name), {});
    const ours = await tryOnce(name);
    // There, an interrupt of a stateless run is an error.
    const graphs = Object.entries(official.graphs ?? {}).filter(([, { run }]) => run === 'ok');
    expect(graphs).not.toEqual([]);
    for (const [graph_id, { nodes, inputs, answer }] of graphs) {
      const graph = ours.graphs?.[graph_id];
      expect(graph).toMatchObject({ nodes, run: 'ok', answer });
      // It fails to derive the schemas of some projects.
      if (Array.isArray(inputs)) {
        expect(graph?.inputs).toEqual(expect.arrayContaining(inputs));
      }
    }
  });
});

interface Pair {
  manager: string;
  node: string;
  linker?: string;
}

/** With those of the projects above, every package manager and every line of Node occurs. */
const FEW: Pair[] = [
  { manager: 'npm', node: NODE_22.oldest },
  { manager: 'bun', node: NODE_24.newest },
  { manager: 'berry', linker: 'node-modules', node: NODE_20.oldest },
];

/** What docs/compatibility.md says, with NESTGRAPH_PROJECTS=all. */
const ALL: Pair[] = NODES.flatMap(({ oldest: node, newest }) => [
  ...['npm', 'yarn', 'pnpm', 'bun'].map((manager) => ({ manager, node })),
  ...['node-modules', 'pnp'].map((linker) => ({ manager: 'berry', linker, node })),
  { manager: 'npm', node: newest },
]);

describe('a graph that calls its own server', () => {
  const pairs = process.env.NESTGRAPH_PROJECTS === 'all' ? ALL : FEW;

  it.each(pairs.map(({ manager, node, linker = '' }) => [manager, linker, node]))(
    'is served: %s %s, Node %s',
    async (manager, linker, node) => {
      const env: Record<string, string> = linker ? { YARN_NODE_LINKER: linker } : {};
      expect(await tryProject(projectOf('plain'), { tarball, manager, node, env })).toMatchObject({
        manager,
        langgraph: '1.7.3',
        graphs: { agent: { nodes: 3, inputs: ['messages'], run: 'ok', answer: `agent on Node ${node}` } },
      });
    },
  );
});

describe('npx nestgraph dev, with Nestgraph installed nowhere', () => {
  it.each([
    ['own-langgraph', 'takes the LangGraph of the project, not the one beside it', '1.0.0', 'its own version'],
    ['bare', 'lends the newest LangGraph to a project without any', expect.stringMatching(/^1\./), 'nothing installed'],
  ])('%s: %s', async (name, _does, langgraph, answer) => {
    expect(await tryProject(projectOf(name), { tarball, manager: 'npx' })).toMatchObject({
      langgraph,
      graphs: { agent: { run: 'ok', answer } },
    });
  });
});
