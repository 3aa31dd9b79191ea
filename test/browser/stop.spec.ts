import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';
import { useBrowser, withBothSdks, type Scene } from './support/browser.js';
import { newPace, type Pace } from './support/pace.js';
import type { PageView } from './support/page-view.js';
import type { Settings } from './pages/settings.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

interface Talking {
  page: PageView;
  pace: Pace;
  thread_id: string;
  run_id: string;
}

/** A page on which the answer to a question has come as far as its second word. */
async function startTalking(open: Scene['open'], settings: Partial<Settings> = {}): Promise<Talking> {
  const pace = newPace();
  const page = await open('stream', {
    apiUrl: server.url,
    assistantId: 'chat',
    input: { pace: pace.path },
    ...settings,
  });
  await page.send('parrots');
  pace.allow(2);
  const view = await page.until(({ messages }) => messages[1] === 'Answer 1 ');
  const [run] = view.told('onCreated') as { thread_id: string; run_id: string }[];
  return { page, pace, ...run };
}

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
    const talking = await startTalking(open, { hook });
    await talking.page.click('Stop');
    const { part } = await talking.page.until(({ isIdle, messages }) => isIdle && messages.join() === left.join());
    expect(part('error')).toBe('');
    await untilStatus(talking, 'interrupted');
    expect(await client.threads.get(talking.thread_id)).toMatchObject({ status: 'idle', error: null });
  });

  test('goes on at the server when the page has asked for that', async ({ open }) => {
    const talking = await startTalking(open, { submit: { onDisconnect: 'continue' } });
    await talking.page.click('Stop');
    await talking.page.until(({ isIdle }) => isIdle);
    talking.pace.allow(4);
    await untilStatus(talking, 'success');
    await talking.page.reload();
    expect((await talking.page.untilSaid(2)).messages).toEqual(['parrots', 'Answer 1 to parrots']);
  });

  test('does not keep the next message from being answered', async ({ open }) => {
    const talking = await startTalking(open);
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
