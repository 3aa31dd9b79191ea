import { beforeAll, expect } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import type { PageView, View } from './support/page-view.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

interface Interrupt {
  id?: string;
  value?: unknown;
  when?: string;
}

const interruptsOf = ({ json }: View): Interrupt[] => json('interrupts') as Interrupt[];

/** Resolves when the page shows so many interrupts and is idle. */
const untilAsked = (page: PageView, count = 1): Promise<View> =>
  page.until((view) => view.isIdle && interruptsOf(view).length === count);

async function answer(page: PageView, resume: unknown): Promise<void> {
  await page.type(JSON.stringify(resume));
  await page.click('Answer');
}

withBothSdks('an interrupt on a page', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  test('is shown, and what the user answers goes into the graph', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'ask', input: { question: 'Why?' } });
    await page.click('Start');
    const asked = await untilAsked(page);
    expect(interruptsOf(asked)).toEqual([expect.objectContaining({ value: { question: 'Why?' } })]);
    const thread_id = asked.part('thread');
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });

    await answer(page, 'Because.');
    const answered = await page.until(({ isIdle, part }) => isIdle && part('values').includes('Because.'));
    expect(answered.json('values')).toEqual({ question: 'Why?', answer: 'Because.' });
    expect(interruptsOf(answered)).toEqual([]);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
  });

  test('is there again when the page is loaded again', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'ask',
      input: { question: 'Why?' },
      hook: { fetchStateHistory: true },
    });
    await page.click('Start');
    const before = await untilAsked(page);
    await page.reload();
    const after = await untilAsked(page);
    const [{ id, value }] = interruptsOf(after);
    expect({ id, value }).toEqual({ id: interruptsOf(before)[0].id, value: { question: 'Why?' } });
    await answer(page, 'Because.');
    await page.until(
      (view) => view.isIdle && view.part('values').includes('Because.') && interruptsOf(view).length === 0,
    );
  });

  test('may be one of several that are answered together', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'parallel',
      input: {},
      // Without its history the older line knows the last question only.
      hook: { fetchStateHistory: true },
    });
    await page.click('Start');
    const asked = interruptsOf(await untilAsked(page, 2));
    expect(asked.map(({ value }) => value)).toEqual(['left', 'right']);
    await answer(page, Object.fromEntries(asked.map(({ id, value }) => [id, `to ${String(value)}`])));
    const { json } = await page.until(({ isIdle, part }) => isIdle && part('values').includes('right:'));
    expect(json('values')).toEqual({ answers: ['left:"to left"', 'right:"to right"'] });
  });

  test('may come from a subgraph', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'nested',
      input: {},
      submit: { streamSubgraphs: true },
    });
    await page.click('Start');
    expect(interruptsOf(await untilAsked(page))).toEqual([expect.objectContaining({ value: 'inner?' })]);
    await answer(page, 'yes');
    const { json } = await page.until(({ isIdle, part }) => isIdle && part('values').includes('answer:yes'));
    expect(json('values')).toEqual({ path: ['before', 'before', 'inner', 'answer:yes'] });
  });

  test('is a breakpoint when the page requests one, and continues without a resume value', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'steps',
      input: {},
      submit: { interruptBefore: ['two'] },
    });
    await page.click('Start');
    const stopped = await untilAsked(page);
    expect(interruptsOf(stopped)).toEqual([{ when: 'breakpoint' }]);
    expect(stopped.json('values')).toMatchObject({ path: ['one'] });
    await page.click('Continue');
    const view = await page.until(({ isIdle, part }) => isIdle && part('values').includes('three'));
    expect(interruptsOf(view)).toEqual([]);
  });
});
