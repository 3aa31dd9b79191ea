import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, human, newThread, serverForFile } from '../support/sdk.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import { newPace } from './support/pace.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

withBothSdks('threads on a page', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** A thread on which these questions have been asked and answered. */
  async function threadAbout(...questions: string[]): Promise<string> {
    const thread_id = await newThread(client);
    for (const question of questions) {
      await client.runs.wait(thread_id, 'chat', { input: { messages: [human(question)] } });
    }
    return thread_id;
  }

  test('are switched between, and a message begins a new one', async ({ open }) => {
    const threads = [await threadAbout('cats'), await threadAbout('dogs')];
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat', threads });
    await page.click('Thread 0');
    await page.until(({ messages }) => messages.join() === 'cats,Answer 1 to cats');
    await page.click('Thread 1');
    await page.until(({ messages }) => messages.join() === 'dogs,Answer 1 to dogs');
    await page.click('New thread');
    await page.until(({ messages }) => messages.length === 0);
    await page.send('cats');
    const view = await page.untilSaid(2);
    expect(view.messages).toEqual(['cats', 'Answer 1 to cats']);
    expect(threads).not.toContain(view.part('thread'));
    expect(await client.threads.getState(view.part('thread'))).toMatchObject({ next: [] });
  });

  test('can be left and reopened while a run continues', async ({ open }) => {
    const [pace, other] = [newPace(), await threadAbout('cats')];
    const talking = await newThread(client);
    const page = await open(
      'stream',
      {
        apiUrl: server.url,
        assistantId: 'chat',
        threads: [talking, other],
        input: { pace: pace.path },
        hook: { reconnectOnMount: true },
      },
      { threadId: talking },
    );
    await page.until(({ part }) => part('thread-status') === 'loaded');
    await page.send('parrots');
    pace.allow(2);
    await page.until(({ messages }) => messages[1] === 'Answer 1 ');
    await page.click('Thread 1');
    await page.until(({ messages, isIdle }) => isIdle && messages.join() === 'cats,Answer 1 to cats');
    await page.click('Thread 0');
    await page.until(({ messages, isIdle }) => !isIdle && messages.join() === 'parrots,Answer 1 ');
    pace.allow(4);
    expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
  });

  test.each<{ wanted: boolean | { limit: number }; asked: unknown; length: string }>([
    ['10 states of their history', { wanted: true, asked: ['POST', 'history', '{"limit":10}'], length: '6' }],
    ['as many as the page wants', { wanted: { limit: 2 }, asked: ['POST', 'history', '{"limit":2}'], length: '2' }],
    ['their last state only', { wanted: false, asked: ['GET', 'state', null], length: '' }],
  ])('are loaded with %s', async ({ open }, { wanted: fetchStateHistory, asked, length }) => {
    const threadId = await threadAbout('cats', 'dogs');
    const settings = { apiUrl: server.url, assistantId: 'chat', hook: { fetchStateHistory } };
    const page = await open('stream', settings, { threadId });
    const { messages, part } = await page.untilSaid(4);
    expect(messages).toEqual(['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs']);
    expect(part('history')).toBe(length);
    const requests = page.requests.filter(({ url }) => url.startsWith(`${server.url}/threads/${threadId}/`));
    const seen = requests.map(({ method, url, body }) => [method, url.split('/').at(-1), body]);
    expect(seen).toEqual([asked]);
  });

  test('that do not exist are an error on the page', async ({ open }) => {
    const threadId = '00000000-0000-7000-8000-000000000000';
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat' }, { threadId });
    const { part, told } = await page.until(({ part }) => part('error') !== '');
    expect(part('error')).toMatch(/HTTP 404/);
    expect(told('onError')).toHaveLength(1);
    // The hook throws it once more where it cannot be caught.
    expect(await page.untilFault()).toMatch(/HTTP 404/);
  });
});
