import { expect } from '@jest/globals';
import { human, serverForFile } from '../support/sdk.js';
import { useBrowser, withBothSdks } from './support/browser.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

interface Event {
  data: Record<string, unknown>;
}

withBothSdks('what a page is told', (test, version) => {
  test('is every kind of event that it listens to', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'tools',
      input: { messages: [human('2 + 3')] },
      callbacks: [
        'onMetadataEvent',
        'onUpdateEvent',
        'onCheckpointEvent',
        'onTaskEvent',
        'onDebugEvent',
        'onLangChainEvent',
        'onToolEvent',
        'onFinish',
      ],
    });
    await page.click('Start');
    const { told, list } = await page.until(({ told, isIdle }) => isIdle && told('onFinish').length > 0);
    const [run] = told('onCreated');
    const values = { messages: list('messages').map(({ id }) => expect.objectContaining({ id }) as unknown) };
    expect(values.messages).toHaveLength(3);
    const data = (name: string): Record<string, unknown>[] => told(name).map((event) => (event as Event).data);

    expect(data('onMetadataEvent')).toEqual([{ run_id: (run as { run_id: string }).run_id, attempt: 1 }]);
    expect(data('onUpdateEvent').map(Object.keys)).toEqual([['decide'], ['tools']]);
    expect(data('onCheckpointEvent').map(({ next }) => next)).toEqual([['__start__'], ['decide'], ['tools'], []]);
    expect(data('onCheckpointEvent').at(-1)).toMatchObject({ values });
    expect(data('onTaskEvent').map(({ name }) => name)).toEqual(['decide', 'decide', 'tools', 'tools']);
    const debugged = data('onDebugEvent').map(({ type }) => type);
    expect(new Set(debugged)).toEqual(new Set(['checkpoint', 'task', 'task_result']));
    expect(data('onLangChainEvent').map(({ event }) => event)).toContain('on_tool_end');
    expect(data('onFinish')).toEqual([expect.objectContaining({ values, next: [] })]);
    // The older line does not know them.
    const toolEvents = version === '2.0.0' ? [] : ['on_tool_start', 'on_tool_end'];
    expect(data('onToolEvent').map(({ event }) => event)).toEqual(toolEvents);
  });

  test('is what a node writes for it', async ({ open }) => {
    const page = await open('stream', {
      apiUrl: server.url,
      assistantId: 'steps',
      input: {},
      callbacks: ['onCustomEvent'],
    });
    await page.click('Start');
    const { told } = await page.until(({ isIdle, part }) => isIdle && part('values').includes('three'));
    expect(told('onCustomEvent')).toEqual(['one', 'two', 'three'].map((at) => ({ data: { at } })));
  });

  test('is the error of a run, also when the page is opened later', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'failing', input: {} });
    await page.click('Start');
    const error = 'CoffeeError: out of beans';
    const view = await page.until(({ isIdle, part }) => isIdle && part('error') === error);
    expect(view.told('onError')).toEqual([error]);
    await page.reload();
    const later = await page.until(({ part }) => part('error') !== '');
    expect([later.part('error'), later.json('values')]).toEqual([error, { started: true }]);
  });

  test('is that an assistant does not exist', async ({ open }) => {
    const page = await open('stream', { apiUrl: server.url, assistantId: 'unknown', input: {} });
    await page.click('Start');
    const { part } = await page.until(({ isIdle, part }) => isIdle && part('error') !== '');
    expect(part('error')).toMatch(/HTTP 404: .*unknown/);
  });
});
