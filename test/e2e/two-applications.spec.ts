import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { open, type RawResponse } from '../support/raw-response.js';
import { TEST_PROJECT } from '../support/server.js';

const SCRIPT = path.resolve(import.meta.dirname, '../support/two-applications.mjs');

let databases: TestDatabase[];
let project: string;
let child: ChildProcess;
let first: string;
let second: string;

beforeAll(async () => {
  databases = [await createDatabase(), await createDatabase()];
  project = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-two-'));
  const file = path.join(project, 'langgraph.json');
  writeFileSync(file, JSON.stringify({ graphs: { steps: path.join(TEST_PROJECT, 'steps.ts:graph') } }));
  const env = { ...process.env, NODE_OPTIONS: '', NESTGRAPH_MAX_STREAMS_PER_CALLER: '1' };
  child = fork(SCRIPT, [file, ...databases.map(({ uri }) => uri)], { env, execArgv: [], cwd: project });
  [[first, second]] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The process has exited.'))),
  ])) as [[string, string]];
});
afterAll(async () => {
  if (child?.exitCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await Promise.all((databases ?? []).map((database) => database.drop()));
  rmSync(project, { recursive: true });
});

async function tell(request: 'announce' | 'close'): Promise<void> {
  child.send(request);
  await once(child, 'message');
}

/** Opens a stream that lasts as long as its thread. */
async function follow(url: string): Promise<{ thread: string; stream: RawResponse }> {
  const { thread_id } = (await sendJson(`${url}/threads`, {})).json as { thread_id: string };
  const thread = `${url}/threads/${thread_id}`;
  return { thread, stream: await open(`${thread}/stream`) };
}

it('two applications in one process share neither streams, nor their limit, nor their shutdown', async () => {
  const [one, other] = [await follow(first), await follow(second)];
  expect([one.stream.status, other.stream.status]).toEqual([200, 200]);
  for (const { thread } of [one, other]) {
    expect((await send(`${thread}/stream`)).status).toBe(429);
  }

  await tell('announce');
  expect((await send(`${first}/ok`)).headers.get('connection')).toBe('close');
  expect((await send(`${second}/ok`)).headers.get('connection')).not.toBe('close');

  await Promise.all([tell('close'), expect(one.stream.ended).rejects.toThrow()]);
  expect((await send(other.thread)).status).toBe(200);
  await send(other.thread, { method: 'DELETE' });
  await expect(other.stream.ended).resolves.not.toContain('event: error');
});
