import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packNestgraph } from '../../scripts/lib/pack.mjs';
import { tryProject } from '../../scripts/lib/try-project.mjs';
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

describe('a project as it is, with the packed server beside it', () => {
  it.each([
    ['pnpm-workspace', 'pnpm', 'apps/agent/langgraph.json', 'Hello from a linked package, pnpm'],
    ['plug-n-play', 'berry', 'langgraph.json', 'no node_modules'],
    ['bun', 'bun', 'langgraph.json', 'installed by bun'],
  ])('%s', async (name, manager, config, answer) => {
    expect(await tryProject(projectOf(name), { tarball })).toMatchObject({
      manager,
      config,
      langgraph: '1.7.3',
      graphs: { agent: { nodes: 3, inputs: ['messages'], run: 'ok', answer } },
    });
  });

  const yarnRefuses = Number.parseInt(process.versions.node) < 22;
  // Yarn 1 is the only one that refuses packages for the Node that they ask for: @nestjs/common 12 has one that asks for 22.
  (yarnRefuses ? it.skip : it)('yarn-workspace', async () => {
    expect(await tryProject(projectOf('yarn-workspace'), { tarball })).toMatchObject({
      manager: 'yarn',
      graphs: { agent: { run: 'ok', answer: 'CommonJS in words' } },
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
    expect(await tryProject(projectOf('agents'), { tarball, use: review })).toMatchObject({
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
