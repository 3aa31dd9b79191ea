import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';
import type { Settings } from './pages/settings.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import { newPace } from './support/pace.js';
import { PROJECT } from './support/project.js';
import { startTalking, type Talking } from './support/talking.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

/** A page that joins its runs again when it is loaded again. */
const comingBack = (fetchStateHistory = false): Pick<Settings, 'apiUrl' | 'hook'> => ({
  apiUrl: server.url,
  hook: { reconnectOnMount: true, fetchStateHistory },
});

withBothSdks('what is stopped on a page', (test, version) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** The older line leaves on the page what has come; the newer one shows what the server has kept. */
  const left = version === '2.0.0' ? ['parrots', 'Answer 1 '] : ['parrots'];

  const untilStatus = async ({ thread_id, run_id }: Talking, wanted: string): Promise<void> => {
    await askUntil(
      async () => (await client.runs.get(thread_id, run_id)).status,
      (status) => status === wanted,
    );
  };

  test.each<Settings['hook']>([
    ['the page leaves it', {}],
    ['the page could come back to it, and cancels it', { reconnectOnMount: true }],
  ])('is stopped at the server too when %s', async ({ open }, hook) => {
    const talking = await startTalking(open, { apiUrl: server.url, hook });
    await talking.page.click('Stop');
    const { part } = await talking.page.until(({ isIdle, messages }) => isIdle && messages.join() === left.join());
    expect(part('error')).toBe('');
    await untilStatus(talking, 'interrupted');
    expect(await client.threads.get(talking.thread_id)).toMatchObject({ status: 'idle', error: null });
  });

  test('continues at the server when the page requests it', async ({ open }) => {
    const talking = await startTalking(open, { apiUrl: server.url, submit: { onDisconnect: 'continue' } });
    await talking.page.click('Stop');
    await talking.page.until(({ isIdle }) => isIdle);
    talking.pace.allow(4);
    await untilStatus(talking, 'success');
    await talking.page.reload();
    expect((await talking.page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
  });

  test('does not keep the next message from being answered', async ({ open }) => {
    const talking = await startTalking(open, { apiUrl: server.url });
    await talking.page.click('Stop');
    await talking.page.until(({ isIdle }) => isIdle);
    await untilStatus(talking, 'interrupted');
    talking.pace.allow(4);
    await talking.page.send('cats');
    const { messages, part } = await talking.page.until(
      (view) => view.isIdle && view.messages.at(-1) === 'Answer 1 to cats',
    );
    expect([messages, part('error')]).toEqual([['parrots', 'cats', 'Answer 1 to cats'], '']);
  });
});

withBothSdks('a page that is loaded again', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  test.each([
    ['with the history of the thread', true],
    ['without it', false],
  ])('shows the rest of a run that continues, %s', async ({ open }, fetchStateHistory) => {
    const { page, pace } = await startTalking(open, comingBack(fetchStateHistory));
    await page.reload();
    await page.until(({ messages, isIdle }) => !isIdle && messages.join() === 'parrots,Answer 1 ');
    pace.allow(3);
    await page.until(({ messages }) => messages.join() === 'parrots,Answer 1 to ');
    pace.allow(4);
    const { messages } = await page.untilSaid(2);
    expect(messages).toEqual(['parrots', 'Answer 1 to parrots']);
    const answers = await page.past((view) => view.messages[1] ?? '');
    expect(answers.every((answer, index) => index === 0 || answer.startsWith(answers[index - 1]))).toBe(true);
  });

  test('shows a run that has ended in the meantime, once', async ({ open }) => {
    const { page, pace, thread_id, run_id } = await startTalking(open, comingBack());
    const address = page.page.url();
    await page.page.goto('about:blank');
    pace.allow(4);
    await askUntil(
      async () => (await client.runs.get(thread_id, run_id)).status,
      (status) => status === 'success',
    );
    await page.goto(address);
    expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
    expect(await page.page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('does not come back to a run that it has seen to its end', async ({ open }) => {
    const { page, pace } = await startTalking(open, comingBack());
    pace.allow(4);
    await page.untilSaid(2);
    await page.reload();
    expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
    const rejoined = page.requests.filter(({ url, method }) => method === 'GET' && /runs.*stream/.test(url));
    expect(rejoined).toEqual([]);
  });

  test('joins a run', async ({ open }) => {
    const pace = newPace();
    const { thread_id } = await client.threads.create();
    const { run_id } = await client.runs.create(thread_id, 'chat', {
      input: { messages: [{ role: 'user', content: 'parrots' }], pace: pace.path },
      streamMode: ['values', 'messages-tuple'],
      streamResumable: true,
    });
    const page = await open('stream', { apiUrl: server.url, assistantId: 'chat' }, { threadId: thread_id });
    await page.type(run_id);
    await page.click('Join');
    pace.allow(2);
    await page.until(({ messages, isIdle }) => !isIdle && messages[1] === 'Answer 1 ');
    pace.allow(4);
    expect((await page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
  });
});
