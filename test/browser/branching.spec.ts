import { beforeAll, expect } from '@jest/globals';
import { Client, type Message } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { useBrowser, withBothSdks, type Scene } from './support/browser.js';
import type { PageView, View } from './support/page-view.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

/** A page on which one question has been asked and answered for each of these. */
async function talk(open: Scene['open'], ...questions: string[]): Promise<PageView> {
  const page = await open('stream', {
    apiUrl: server.url,
    assistantId: 'chat',
    hook: { fetchStateHistory: { limit: 100 } },
  });
  for (const [index, question] of questions.entries()) {
    await page.send(question);
    await page.untilSaid(2 * (index + 1));
  }
  return page;
}

const untilShown = (page: PageView, messages: string[]): Promise<View> =>
  page.until((view) => view.isIdle && view.messages.join() === messages.join());

/** Which of how many branches is shown at each message. */
const branchesOf = (view: View): (string | undefined)[] => view.list('messages').map(({ branch }) => branch);

withBothSdks('a branch on a page', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  test('begins where an earlier message is edited, and the user switches between both', async ({ open }) => {
    const page = await talk(open, 'cats', 'dogs');
    await page.type('parrots');
    await page.click('Edit 0');
    const edited = ['parrots', 'Answer 1 to parrots'];
    const after = await untilShown(page, edited);
    expect(branchesOf(after)).toEqual(['2/2', undefined]);
    await page.click('Previous 0');
    const before = await untilShown(page, ['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs']);
    expect(branchesOf(before)).toEqual(['1/2', undefined, undefined, undefined]);
    await page.click('Next 0');
    await untilShown(page, edited);
  });

  test('begins with another answer to the same message', async ({ open }) => {
    const page = await talk(open, 'cats');
    await page.click('Regenerate 1');
    const second = await untilShown(page, ['cats', 'Answer 2 to cats']);
    expect(branchesOf(second)).toEqual([undefined, '2/2']);
    await page.click('Previous 1');
    expect(branchesOf(await untilShown(page, ['cats', 'Answer 1 to cats']))).toEqual([undefined, '1/2']);
    await page.click('Regenerate 1');
    const third = await untilShown(page, ['cats', 'Answer 3 to cats']);
    expect(branchesOf(third)).toEqual([undefined, '3/3']);
    await page.click('Previous 1');
    await untilShown(page, ['cats', 'Answer 2 to cats']);
  });

  test('is gone on with when it is the one that is shown', async ({ open }) => {
    const page = await talk(open, 'cats', 'dogs');
    await page.type('parrots');
    await page.click('Edit 2');
    await untilShown(page, ['cats', 'Answer 1 to cats', 'parrots', 'Answer 1 to parrots']);
    await page.click('Previous 2');
    await untilShown(page, ['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs']);
    await page.send('fish');
    const longer = ['cats', 'Answer 1 to cats', 'dogs', 'Answer 1 to dogs', 'fish', 'Answer 1 to fish'];
    await page.until(({ told, isIdle }) => told('onCreated').length === 4 && isIdle);
    expect(await page.past(({ messages }) => messages.join())).toContain(longer.join());
    // The hook goes back to the branch that began last.
    const view = await untilShown(page, ['cats', 'Answer 1 to cats', 'parrots', 'Answer 1 to parrots']);
    const { values } = await client.threads.getState(view.part('thread'));
    expect((values as { messages: Message[] }).messages.map(({ content }) => content)).toEqual(longer);
    await page.click('Previous 2');
    await untilShown(page, longer);
  });

  test('is there again when the page is loaded again', async ({ open }) => {
    const page = await talk(open, 'cats');
    await page.type('parrots');
    await page.click('Edit 0');
    const edited = ['parrots', 'Answer 1 to parrots'];
    await untilShown(page, edited);
    await page.reload();
    expect(branchesOf(await untilShown(page, edited))).toEqual(['2/2', undefined]);
    await page.click('Previous 0');
    await untilShown(page, ['cats', 'Answer 1 to cats']);
  });
});
