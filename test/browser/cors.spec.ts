import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import { serverForFile } from '../support/sdk.js';
import type { TestServer } from '../support/server.js';
import { pageOrigin, type Scene, useBrowser, withBothSdks } from './support/browser.js';
import { PROJECT } from './support/project.js';
import { watchPreflights } from './support/preflights.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

const AUTH_PROJECT = new URL('../auth', import.meta.url).pathname;
const guarded = server.beside({ project: AUTH_PROJECT });

/** Answers the pages of one origin only. */
let database: TestDatabase;
let project: Project;
let named: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  project = await createProject({ graphs: ['steps.ts'] });
  await project.write('langgraph.json', {
    graphs: { steps: './steps.ts:graph' },
    http: { cors: { allow_origins: [pageOrigin()], allow_credentials: true } },
  });
  named = await project.start({ database, command: 'start' });
});

afterAll(async () => {
  await named?.stop();
  await project?.remove();
  await database?.drop();
});

/** What SDKs and applications send along (contract 8), and browsers ask for before they do. */
const HEADERS = [
  'authorization',
  'content-type',
  'last-event-id',
  'prefer',
  'x-api-key',
  'x-auth-scheme',
  'x-request-id',
];

interface Sent {
  method: string;
  headers: Record<string, string>;
  body: string;
  credentials?: 'include';
}

/** Tries a request on the page as its scripts do: what they see of the answer, or of its refusal by the browser. */
const attempt = (page: Page, url: string, init?: Sent): Promise<Attempt> =>
  page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, init);
        const { ok, status, headers } = response;
        return { ok, status, headers: Object.fromEntries(headers), text: await response.text() };
      } catch (error) {
        return { refused: String(error) };
      }
    },
    [url, init] as const,
  );

interface Attempt {
  ok?: boolean;
  status?: number;
  headers?: Record<string, string>;
  text?: string;
  refused?: string;
}

const REFUSED = { refused: 'TypeError: Failed to fetch' };

withBothSdks('a page of another origin', (test) => {
  const open = ({ open }: Scene, url: string, origin?: string) =>
    open('client', { apiUrl: url, assistantId: '' }, { origin });

  test('may send every header that SDKs send', async (scene) => {
    const { page } = await open(scene, server.url);
    const preflights = await watchPreflights(page);
    const headers = Object.fromEntries(
      HEADERS.map((name) => [name, name === 'content-type' ? 'application/json' : '1']),
    );
    const answer = await attempt(page, `${server.url}/threads`, { method: 'POST', headers, body: '{}' });
    expect(answer).toMatchObject({ ok: true, status: 200 });
    expect(preflights()).toEqual([expect.objectContaining({ status: 204 })]);
    expect(preflights()[0].allowed.sort()).toEqual(HEADERS);
  });

  test('sees the headers in which runs and further pages are named', async (scene) => {
    const { page } = await open(scene, server.url);
    const post = (path: string, body: object): Promise<Attempt> =>
      attempt(page, server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const { thread_id } = JSON.parse((await post('/threads', {})).text!) as { thread_id: string };
    const run = await post(`/threads/${thread_id}/runs/stream`, { assistant_id: 'steps', input: {} });
    const content_location: unknown = expect.stringMatching(`^/threads/${thread_id}/runs/[-0-9a-f]{36}$`);
    expect(run.headers).toMatchObject({
      'content-location': content_location,
      location: expect.stringMatching(`^/threads/${thread_id}/runs/[-0-9a-f]{36}/stream$`) as unknown,
      'x-request-id': expect.any(String) as unknown,
    });
    await post('/threads', {});
    const found = await post('/threads/search', { limit: 1 });
    expect(Number(found.headers!['x-pagination-total'])).toBeGreaterThan(1);
    expect(found.headers!['x-pagination-next']).toBe('1');
  });

  test('uses every part of the client', async (scene) => {
    const { page } = await open(scene, server.url);
    const seen = await page.evaluate(async (apiUrl) => {
      const client = new window.Client({ apiUrl, apiKey: 'key' });
      const { assistants, threads, runs, crons, store } = client;
      const found = await assistants.search({ limit: 1, includePagination: true });
      const { assistant_id } = await assistants.create({ graphId: 'steps' });
      await assistants.update(assistant_id, { name: 'mine' });
      const { thread_id } = await threads.create();
      await threads.update(thread_id, { metadata: { topic: 'parrots' } });
      let created = '';
      const events: string[] = [];
      const stream = runs.stream(thread_id, assistant_id, {
        input: {},
        streamMode: ['updates'],
        streamResumable: true,
        onRunCreated: ({ run_id }) => void (created = run_id),
      });
      for await (const { event } of stream) {
        events.push(event);
      }
      const again: (string | undefined)[] = [];
      for await (const { id } of runs.joinStream(thread_id, created, { lastEventId: '-1' })) {
        again.push(id);
      }
      const { status } = await runs.get(thread_id, created);
      await threads.updateState(thread_id, { values: { path: ['mine'] } });
      const { values } = await threads.getState(thread_id);
      await store.putItem(['pages'], 'key', { text: 'parrots' });
      const item = await store.getItem(['pages'], 'key');
      await store.deleteItem(['pages'], 'key');
      const cron = await crons.createForThread(thread_id, assistant_id, { schedule: '0 0 1 1 *' });
      await crons.delete(cron.cron_id);
      await threads.delete(thread_id);
      await assistants.delete(assistant_id);
      return { next: found.next, created, events, again: again.length, status, values, item: item?.value };
    }, server.url);
    expect(seen).toEqual({
      next: '1',
      created: expect.stringMatching(/^[-0-9a-f]{36}$/),
      events: ['metadata', 'updates', 'updates', 'updates'],
      again: 4,
      status: 'success',
      values: { path: ['one', 'two', 'three', 'mine'] },
      item: { text: 'parrots' },
    });
  });

  test('is asked who its user is, after the preflight', async (scene) => {
    const { page } = await open(scene, guarded.url);
    const preflights = await watchPreflights(page);
    const url = `${guarded.url}/threads/search`;
    const init = (authorization: string): Sent => ({
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    });
    const refusal = await attempt(page, url, init('Bearer unknown'));
    expect([refusal.status, JSON.parse(refusal.text!)]).toEqual([
      401,
      expect.objectContaining({ detail: 'Who are you?' }),
    ]);
    expect(await attempt(page, url, init('Bearer alice'))).toMatchObject({ status: 200 });
    expect(preflights()[0]).toMatchObject({ status: 204 });
  });

  test('streams for the user whose credentials it sends, and shows nothing to others', async ({ open }) => {
    const settings = (user: string) => ({
      apiUrl: guarded.url,
      assistantId: 'ask',
      input: { question: 'Why?' },
      hook: { defaultHeaders: { authorization: `Bearer ${user}` } },
    });
    const page = await open('stream', settings('alice'));
    await page.click('Start');
    const { part } = await page.until(({ isIdle, part }) => isIdle && part('interrupts').includes('Why?'));
    const other = await open('stream', settings('bob'), { threadId: part('thread') });
    await other.until(({ part }) => /HTTP 404/.test(part('error')));
    expect(await other.untilFault()).toMatch(/HTTP 404/);
    const stranger = await open('stream', settings('unknown'));
    await stranger.click('Start');
    await stranger.until(({ part }) => /HTTP 401: .*Who are you/.test(part('error')));
  });
});

withBothSdks('a server that names the origins of its pages', (test) => {
  test('answers those, with credentials too', async ({ open }) => {
    const { page } = await open('client', { apiUrl: named.url, assistantId: '' });
    const headers = { 'content-type': 'application/json' };
    const init: Sent = { method: 'POST', headers, body: '{}', credentials: 'include' };
    expect(await attempt(page, `${named.url}/threads`, init)).toMatchObject({ ok: true });
  });

  test('is of no use to others', async ({ open }) => {
    const elsewhere = { origin: pageOrigin('localhost') };
    const { page } = await open('client', { apiUrl: named.url, assistantId: '' }, elsewhere);
    expect(await attempt(page, `${named.url}/info`)).toEqual(REFUSED);
    const headers = { 'content-type': 'application/json' };
    expect(await attempt(page, `${named.url}/threads`, { method: 'POST', headers, body: '{}' })).toEqual(REFUSED);
    const { rowCount } = await database.pool.query('SELECT FROM threads');
    const stream = await open('stream', { apiUrl: named.url, assistantId: 'steps', input: {} }, elsewhere);
    await stream.click('Start');
    await stream.until(({ part }) => /fetch/.test(part('error')));
    // Browsers do not even send what would change something.
    expect((await database.pool.query('SELECT FROM threads')).rowCount).toBe(rowCount);
  });
});
