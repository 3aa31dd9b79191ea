import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, human, newThread, refusal, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import { newPace, type Pace } from './support/pace.js';
import type { Settings } from './pages/settings.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

type Strategy = NonNullable<Settings['submit']>['multitaskStrategy'];

withBothSdks('a message while the thread is busy', (test, version) => {
  let client: Client;
  let thread_id: string;
  let pace: Pace;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const statusOf = async (run_id: string): Promise<string> => (await client.runs.get(thread_id, run_id)).status;

  const settings = (multitaskStrategy?: Strategy): Settings => ({
    apiUrl: server.url,
    assistantId: 'chat',
    submit: { multitaskStrategy },
  });

  /** A run of another client, which has begun on a new thread. */
  async function occupy(): Promise<string> {
    thread_id = await newThread(client);
    pace = newPace();
    const { run_id } = await client.runs.create(thread_id, 'chat', {
      input: { messages: [human('cats')], pace: pace.path },
    });
    await askUntil(
      () => statusOf(run_id),
      (status) => status === 'running',
    );
    return run_id;
  }

  test('of the page itself is sent when the answer before is there', async ({ open }) => {
    pace = newPace();
    const page = await open('stream', { ...settings(), input: { pace: pace.path } });
    await page.send('cats');
    pace.allow(2);
    const view = await page.until(({ messages }) => messages[1] === 'Answer 1 ');
    thread_id = view.part('thread');
    await page.send('dogs');
    pace.allow(4);
    const { messages } = await page.untilSaid(4);
    expect(messages).toEqual(['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs']);
    const runs = await client.runs.list(thread_id);
    expect(runs.map(({ status }) => status)).toEqual(['success', 'success']);
  });

  test('is answered after what was there before', async ({ open }) => {
    const run_id = await occupy();
    const page = await open('stream', settings('enqueue'), { threadId: thread_id });
    await page.send('dogs');
    await page.until(({ told }) => told('onCreated').length === 1);
    expect(await statusOf(run_id)).toBe('running');
    pace.allow(4);
    const { messages } = await page.untilSaid(4);
    expect(messages).toEqual(['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs']);
    expect(await statusOf(run_id)).toBe('success');
  });

  test('is refused when the page wants that', async ({ open }) => {
    const run_id = await occupy();
    const page = await open('stream', settings('reject'), { threadId: thread_id });
    await page.send('dogs');
    const { part } = await page.until(({ part, isIdle }) => isIdle && part('error') !== '');
    expect(part('error')).toMatch(/HTTP 409: .*thread_busy/);
    expect(await statusOf(run_id)).toBe('running');
    pace.allow(4);
  });

  test('stops what was there before', async ({ open }) => {
    const run_id = await occupy();
    const page = await open('stream', settings('interrupt'), { threadId: thread_id });
    await page.send('dogs');
    await page.until(({ told }) => told('onCreated').length === 1);
    pace.allow(4);
    const { messages } = await page.until(({ messages, isIdle }) => isIdle && messages.at(-1) === 'Answer 1 to dogs');
    expect(messages).toEqual(['cats', 'dogs', 'Answer 1 to dogs']);
    expect(await statusOf(run_id)).toBe('interrupted');
  });

  test('takes back what was there before', async ({ open }) => {
    const run_id = await occupy();
    const page = await open('stream', settings('rollback'), { threadId: thread_id });
    await page.send('dogs');
    await page.until(({ told }) => told('onCreated').length === 1);
    pace.allow(4);
    expect((await page.untilSaid(2)).messages).toEqual(['dogs', 'Answer 1 to dogs']);
    await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject(refusal(404, 'run_not_found'));
  });

  if (version === '1.15.0') {
    test('of the page itself breaks the answer off', async ({ open }) => {
      pace = newPace();
      const page = await open('stream', { ...settings('interrupt'), input: { pace: pace.path } });
      await page.send('cats');
      pace.allow(2);
      const view = await page.until(({ messages }) => messages[1] === 'Answer 1 ');
      thread_id = view.part('thread');
      const [first] = await client.runs.list(thread_id);
      await page.send('dogs');
      await page.until(({ told }) => told('onCreated').length === 2);
      pace.allow(4);
      const { messages } = await page.until(({ messages, isIdle }) => isIdle && messages.at(-1) === 'Answer 1 to dogs');
      expect(messages).toEqual(['cats', 'dogs', 'Answer 1 to dogs']);
      expect(await statusOf(first.run_id)).toBe('interrupted');
    });
  }
});
