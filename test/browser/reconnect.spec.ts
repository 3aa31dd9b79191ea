import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';
import { type Scene, useBrowser, withBothSdks } from './support/browser.js';
import { newPace, type Pace } from './support/pace.js';
import type { PageView } from './support/page-view.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

interface Talking {
  page: PageView;
  pace: Pace;
  thread_id: string;
  run_id: string;
}

/** A page that comes back to its runs, on which an answer has come as far as its second word. */
async function startTalking(open: Scene['open'], fetchStateHistory = false): Promise<Talking> {
  const pace = newPace();
  const page = await open('stream', {
    apiUrl: server.url,
    assistantId: 'chat',
    input: { pace: pace.path },
    hook: { reconnectOnMount: true, fetchStateHistory },
  });
  await page.send('parrots');
  pace.allow(2);
  const view = await page.until(({ messages }) => messages[1] === 'Answer 1 ');
  const [run] = view.told('onCreated') as { thread_id: string; run_id: string }[];
  return { page, pace, ...run };
}

withBothSdks('a page that is loaded again', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  test.each([
    ['with the history of the thread', true],
    ['without it', false],
  ])('shows the rest of a run that goes on, %s', async ({ open }, fetchStateHistory) => {
    const { page, pace } = await startTalking(open, fetchStateHistory);
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
    const { page, pace, thread_id, run_id } = await startTalking(open);
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
    const { page, pace } = await startTalking(open);
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
