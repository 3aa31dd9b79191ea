import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { open } from '../support/raw-response.js';
import { killLeftovers, MAIN, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

let project: Project;

beforeEach(async () => {
  project = await createProject({ graphs: ['waiting.ts', 'steps.ts', 'ask.ts', 'echo.ts'] });
});

afterEach(async () => {
  await killLeftovers();
  await project?.remove();
});

afterAll(killLeftovers);

async function newThread({ url }: TestServer, metadata: object = {}): Promise<string> {
  const { json } = await sendJson(`${url}/threads`, { metadata });
  return (json as { thread_id: string }).thread_id;
}

/** All data of the project that a client can read. */
async function everything({ url }: TestServer, thread_ids: string[]): Promise<unknown> {
  const read = async (request: Promise<Answer>): Promise<unknown> => {
    const { status, json } = await request;
    expect(status).toBe(200);
    return json;
  };
  const ofThread = async (thread_id: string): Promise<unknown[]> => [
    await read(send(`${url}/threads/${thread_id}`)),
    await read(send(`${url}/threads/${thread_id}/state`)),
    await read(sendJson(`${url}/threads/${thread_id}/history`, {})),
    await read(send(`${url}/threads/${thread_id}/runs`)),
  ];
  return {
    assistants: await read(sendJson(`${url}/assistants/search`, { limit: 100 })),
    threads: await Promise.all(thread_ids.map(ofThread)),
  };
}

/** Creates an assistant, a thread with a state, an interrupted thread and an empty thread. */
async function fill(server: TestServer): Promise<{ thread_ids: string[]; asking: string }> {
  const { url } = server;
  const assistant_id = randomUUID();
  await sendJson(`${url}/assistants`, { assistant_id, graph_id: 'echo', name: 'Mine', metadata: { by: 'me' } });
  await sendJson(`${url}/assistants/${assistant_id}`, { name: 'Mine 2' }, { method: 'PATCH' });
  const [empty, done, asking] = [await newThread(server, { n: 1 }), await newThread(server), await newThread(server)];
  await sendJson(`${url}/threads/${done}/runs/wait`, { assistant_id: 'steps', input: {} });
  await sendJson(`${url}/threads/${asking}/runs/wait`, { assistant_id: 'ask', input: { question: 'Why?' } });
  return { thread_ids: [empty, done, asking], asking };
}

describe('the embedded database', () => {
  it('lives in .nestgraph of the project, and stops with the server', async () => {
    const server = await project.start();
    const data = path.join(project.folder, '.nestgraph/postgres/data');

    expect(server.output()).toContain(`  Data    ${data} (embedded)\n`);
    expect(existsSync(path.join(data, 'PG_VERSION'))).toBe(true);
    expect(await project.postgres()).not.toEqual([]);
    expect(readdirSync(project.folder).sort()).toEqual(
      ['.nestgraph', 'ask.ts', 'echo.ts', 'langgraph.json', 'package.json', 'steps.ts', 'waiting.ts'].sort(),
    );
    expect(await server.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    'survives the end of the server by %s: nothing runs on and nothing is lost',
    async (signal) => {
      const first = await project.start();
      const { thread_ids, asking } = await fill(first);
      const before = await everything(first, thread_ids);
      // An open stream and a waiting client do not keep the server from ending.
      const waiting = { assistant_id: 'waiting', input: { gate: path.join(project.folder, 'gate'), label: 'a' } };
      const stream = await open(`${first.url}/runs/stream`, waiting);
      await stream.until(/event: values/);
      const wait = await open(`${first.url}/runs/wait`, waiting);

      expect(await first.stop(signal)).toBe(0);
      await expect(stream.ended).rejects.toThrow('The connection was broken');
      await expect(wait.ended).rejects.toThrow('The connection was broken');
      expect(await project.noPostgres()).toEqual([]);

      const second = await project.start();
      expect(await everything(second, thread_ids)).toEqual(before);
      const resumed = await sendJson(`${second.url}/threads/${asking}/runs/wait`, {
        assistant_id: 'ask',
        command: { resume: 'Because.' },
      });
      expect(resumed).toMatchObject({ status: 200, json: { question: 'Why?', answer: 'Because.' } });
      expect(await second.stop(signal)).toBe(0);
      expect(await project.noPostgres()).toEqual([]);
    },
  );

  it('survives SIGKILL of the server: threads, states and assistants remain, and a running run resumes', async () => {
    const env = { NESTGRAPH_LEASE_SECS: '2', NESTGRAPH_HEARTBEAT_SECS: '0.5' };
    const first = await project.start({ env });
    const { thread_ids, asking } = await fill(first);
    const before = await everything(first, thread_ids);
    const busy = await newThread(first);
    const gate = path.join(project.folder, 'gate');
    const stream = await open(`${first.url}/threads/${busy}/runs/stream`, {
      assistant_id: 'waiting',
      input: { gate, label: 'a' },
      stream_mode: ['updates', 'custom'],
      durability: 'sync',
    });
    await stream.until(/"waiting":"a"/);
    expect(await first.stop('SIGKILL')).toBeNull();
    expect(await project.noPostgres()).toEqual([]);

    const second = await project.start({ env });
    expect(await everything(second, thread_ids)).toEqual(before);

    const { json } = await send(`${second.url}/threads/${busy}/runs`);
    const [{ run_id }] = json as [{ run_id: string }];
    await project.write('gate', '');
    const joined = await send(`${second.url}/threads/${busy}/runs/${run_id}/join`);
    // The run resumed from its last checkpoint: the first node was not executed again.
    expect(JSON.parse(joined.text)).toMatchObject({ order: ['a:start', 'a:end'] });
    expect(await send(`${second.url}/threads/${busy}/runs/${run_id}`)).toMatchObject({ json: { status: 'success' } });

    const resumed = await sendJson(`${second.url}/threads/${asking}/runs/wait`, {
      assistant_id: 'ask',
      command: { resume: 'Because.' },
    });
    expect(resumed).toMatchObject({ status: 200, json: { answer: 'Because.' } });
    expect(await second.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('survives SIGKILL of the database with the server', async () => {
    const first = await project.start();
    const { thread_ids } = await fill(first);
    const before = await everything(first, thread_ids);
    for (const pid of await project.postgres()) {
      process.kill(pid, 'SIGKILL');
    }
    await first.stop('SIGKILL');
    await project.noPostgres();

    const second = await project.start();
    expect(await everything(second, thread_ids)).toEqual(before);
    expect(await second.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('is shared by all servers of the folder until the last one stops', async () => {
    const first = await project.start();
    const thread_id = await newThread(first);
    const second = await project.start();
    const pids = await project.postgres();
    expect(second.output()).toContain('was running already');
    expect(await send(`${second.url}/threads/${thread_id}`)).toMatchObject({ status: 200 });

    expect(await first.stop()).toBe(0);
    expect(first.output()).toContain('is left running for other Nestgraph processes');
    expect(pids).toEqual(expect.arrayContaining((await project.postgres()).slice(0, 1)));
    const answer = await sendJson(`${second.url}/threads/${thread_id}/runs/wait`, {
      assistant_id: 'steps',
      input: {},
    });
    expect(answer).toMatchObject({ status: 200, json: { path: ['one', 'two', 'three'] } });

    expect(await second.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('is created once if servers start at the same moment, and stops with the last of them', async () => {
    const servers = await Promise.all([project.start(), project.start()]);
    const thread_id = await newThread(servers[0]);
    expect(await send(`${servers[1].url}/threads/${thread_id}`)).toMatchObject({ status: 200 });

    expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0]);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('can be shared by a server and a worker, and is migrated by both', async () => {
    const server = await project.start({ command: 'start', env: { N_JOBS_PER_WORKER: '0' } });
    const wait = await open(`${server.url}/runs/wait`, { assistant_id: 'steps', input: {} });
    const worker = await project.start({ command: 'worker' });

    expect(JSON.parse(await wait.ended)).toEqual({ path: ['one', 'two', 'three'] });
    expect(await server.stop()).toBe(0);
    expect(await worker.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('is stopped if the server fails to start', async () => {
    await project.write('steps.ts', 'throw new Error("not today");');
    const { code, output } = await project.run(['start', '--port', '0']);

    expect(code).toBe(1);
    expect(output).toContain('not today');
    expect(await project.noPostgres()).toEqual([]);
  });

  it('is stopped if a signal arrives while the server starts', async () => {
    const starting = project.run(['dev', '--port', '0']);
    await askUntil(project.postgres, (pids) => pids.length > 0);
    process.kill(await serverOf(project), 'SIGTERM');
    const { code } = await starting;

    expect(code).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('is stopped if npm, through a shell, ends without forwarding the signal', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${MAIN}" dev --port 0; true`], {
      cwd: project.folder,
      env: { ...process.env, NODE_OPTIONS: '', npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    shell.stdout.setEncoding('utf8');
    for await (const chunk of shell.stdout) {
      if (String(chunk).includes('Data')) {
        break;
      }
    }
    expect(await project.postgres()).not.toEqual([]);
    shell.kill('SIGTERM');
    await askUntil(project.postgres, (pids) => pids.length === 0);
  });
});

/** The process that started the project's database. */
async function serverOf({ folder }: Project): Promise<number> {
  const lock = path.join(folder, '.nestgraph/postgres/start.lock');
  return Number.parseInt(await readFile(lock, 'utf8'), 10);
}
