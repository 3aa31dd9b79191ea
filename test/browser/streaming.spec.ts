import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { startProxy } from '../support/proxy.js';
import { connect, serverForFile } from '../support/sdk.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import { newPace } from './support/pace.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

withBothSdks('a stream on a page', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  test('shows each word as soon as the model has said it', async ({ open }) => {
    const pace = newPace();
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat', input: { pace: pace.path } });
    await page.send('parrots');
    const texts = ['Answer ', 'Answer 1 ', 'Answer 1 to ', 'Answer 1 to parrots'];
    for (const [index, text] of texts.entries()) {
      pace.allow(index + 1);
      await page.until(({ messages }) => messages[1] === text);
    }
    await page.until(({ isIdle }) => isIdle);
    expect(await page.past(({ messages }) => messages[1])).toEqual([undefined, ...texts]);
  });

  test('shows words that come all at once in their order, and each once', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat' });
    const question = Array.from({ length: 200 }, (_, index) => index).join(' ');
    await page.send(question);
    await page.untilSaid(2);
    const answers = await page.past(({ messages }) => messages[1] ?? '');
    expect(answers.at(-1)).toBe(`Answer 1 to ${question}`);
    expect(answers.every((answer, index) => index === 0 || answer.startsWith(answers[index - 1]))).toBe(true);
  });

  test('shows a message before the server has heard of it', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat', optimistic: true });
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.page.route('**/runs/stream', async (route) => {
      await released;
      await route.continue();
    });
    await page.send('parrots');
    await page.until(({ messages, isIdle }) => messages.join() === 'parrots' && !isIdle);
    release();
    expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
  });

  test('names the thread and the run that it has made', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat' });
    await page.send('parrots');
    const view = await page.untilSaid(2);
    const thread_id = view.part('thread');
    expect(view.told('onThreadId')).toEqual([thread_id]);
    const [run] = await client.runs.list(thread_id);
    expect(run.status).toBe('success');
    expect(view.told('onCreated')).toEqual([{ run_id: run.run_id, thread_id }]);
  });

  test('shows the values of the thread besides its messages', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'steps', input: { path: ['zero'] } });
    await page.click('Start');
    const view = await page.until(({ isIdle, part }) => isIdle && part('values').includes('three'));
    expect(view.json('values')).toEqual({ path: ['zero', 'one', 'two', 'three'] });
  });

  test('shows what a subgraph says while it says it', async ({ open }) => {
    const pace = newPace();
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'team',
      input: { pace: pace.path },
      submit: { streamSubgraphs: true },
      callbacks: ['onCustomEvent', 'onUpdateEvent'],
    });
    await page.send('parrots');
    pace.allow(2);
    await page.until(({ messages }) => messages[1] === 'Answer 1 ');
    pace.allow(4);
    const view = await page.untilSaid(2);
    expect(view.list('messages')[1]).toMatchObject({ text: 'Answer 1 to parrots', node: 'model' });
    const namespace = [expect.stringMatching(/^colleague:/)];
    expect(view.told('onCustomEvent')).toEqual([{ data: { answering: 'parrots' }, namespace }]);
    expect(view.told('onUpdateEvent')).toEqual([
      { data: { model: expect.anything() as unknown }, namespace },
      { data: { colleague: expect.anything() as unknown } },
    ]);
  });

  test('continues where it was when its connection is cut', async ({ open }) => {
    const [pace, proxy] = [newPace(), await startProxy(server.url)];
    try {
      const page = await open('stream', {
        apiUrl: proxy.url,
        assistantId: 'chat',
        input: { pace: pace.path },
        submit: { streamResumable: true, onDisconnect: 'continue' },
      });
      await page.send('parrots');
      pace.allow(2);
      await page.until(({ messages }) => messages[1] === 'Answer 1 ');
      const rejoined = page.page.waitForRequest(
        (request) => request.url().endsWith('/stream') && request.method() === 'GET',
      );
      proxy.switchTo(server.url);
      pace.allow(3);
      expect(await (await rejoined).headerValue('last-event-id')).toMatch(/^\d+$/);
      pace.allow(4);
      expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
      expect(await page.past(({ messages }) => messages[1])).toEqual([
        undefined,
        'Answer ',
        'Answer 1 ',
        'Answer 1 to ',
        'Answer 1 to parrots',
      ]);
    } finally {
      await proxy.close();
    }
  });
});
