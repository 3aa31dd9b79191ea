import { beforeAll, expect } from '@jest/globals';
import { Client, type Message } from 'langgraph-sdk-newest';
import { connect, serverForFile } from '../support/sdk.js';
import { type Scene, useBrowser, withBothSdks } from './support/browser.js';
import type { PageView, View } from './support/page-view.js';
import { PROJECT } from './support/project.js';

useBrowser();
const server = serverForFile({ project: PROJECT });

withBothSdks('agent-chat-ui', (test) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const openChat = ({ open }: Scene, settings: object = {}, threadId?: string): Promise<PageView> =>
    open('agent-chat', { apiUrl: server.url, apiKey: 'key', assistantId: 'agent', ...settings }, { threadId });

  /** What the thread that a page shows holds. */
  async function messagesOf({ part }: View): Promise<Message[]> {
    const { values } = await client.threads.getState<{ messages: Message[] }>(part('thread'));
    return values.messages;
  }

  test('finds out whether there is a server', async (scene) => {
    const page = await openChat(scene);
    await page.until(({ part }) => part('server') === 'there');
    const nowhere = await openChat(scene, { apiUrl: 'http://127.0.0.1:9' });
    await nowhere.until(({ part }) => part('server') === 'not there');
  });

  test('lists the threads of a graph or of an assistant by their first messages', async (scene) => {
    const page = await openChat(scene);
    await page.send('parrots');
    const { part } = await page.untilSaid(2);
    const mine = ({ list }: View) => list('threads').find(({ id }) => id === part('thread'));
    await page.click('Threads');
    expect(mine(await page.until((view) => mine(view) !== undefined))).toMatchObject({
      text: 'parrots',
      status: 'idle',
    });

    const [{ assistant_id }] = await client.assistants.search({ graphId: 'agent' });
    const byAssistant = await openChat(scene, { assistantId: assistant_id });
    expect(mine(await byAssistant.until((view) => mine(view) !== undefined))).toMatchObject({ text: 'parrots' });
    const others = await openChat(scene, { assistantId: 'chat' });
    await others.until(({ part }) => part('server') === 'there');
    expect(mine(await others.until(() => true))).toBeUndefined();
  });

  test('sends a message with its context, and shows the answer', async (scene) => {
    const page = await openChat(scene, { input: { context: { artifact: 'cage' } } });
    await page.send('parrots');
    const view = await page.untilSaid(2);
    expect(view.messages).toEqual(['parrots', 'You said parrots after ']);
    const { values } = await client.threads.getState<{ context: unknown }>(view.part('thread'));
    expect(values.context).toEqual({ artifact: 'cage' });
    expect((await messagesOf(view)).map(({ id }) => id)).toEqual(view.list('messages').map(({ id }) => id));
  });

  test('gives another answer, and edits a message', async (scene) => {
    const page = await openChat(scene);
    await page.send('cats');
    const [, first] = (await page.untilSaid(2)).list('messages');
    await page.click('Regenerate 1');
    const again = await page.until(({ list, isIdle }) => isIdle && list('messages')[1]?.branch === '2/2');
    expect(again.list('messages')[1].id).not.toBe(first.id);
    await page.type('dogs');
    await page.click('Edit 0');
    await page.until(({ isIdle, messages }) => isIdle && messages.join() === 'dogs,You said dogs after ');
    await page.click('Previous 0');
    await page.until(({ messages }) => messages.join() === 'cats,You said cats after ');
  });

  test.each<{ type: string; args: unknown }>([
    ['accepts', { type: 'accept', args: null }],
    ['changes', { type: 'edit', args: { action: 'send_mail', args: { to: 'dogs' } } }],
    ['answers', { type: 'response', args: 'Later.' }],
    ['ignores', { type: 'ignore', args: null }],
  ])('%s what the agent wants to do', async (scene, { type, args }) => {
    const page = await openChat(scene);
    await page.send('mail');
    const asked = await page.until(({ isIdle, part }) => isIdle && part('interrupt') !== '');
    expect(asked.json('interrupt')).toEqual([
      expect.objectContaining({ action_request: { action: 'send_mail', args: { to: 'parrots' } } }),
    ]);
    await page.type(args === null ? '' : JSON.stringify(args));
    await page.click(type);
    const view = await page.untilSaid(4);
    expect(view.messages).toEqual(['mail', '', `${type} ${JSON.stringify(args)}`, 'That is done.']);
    expect(view.part('interrupt')).toBe('');
  });

  test('is asked again when it sends the graph to its end, as LangGraph does', async (scene) => {
    const page = await openChat(scene);
    await page.send('mail');
    const asked = await page.until(({ isIdle, part }) => isIdle && part('interrupt') !== '');
    await page.click('Resolve');
    const isNew = ({ part }: View): boolean => !['', asked.part('interrupt-id')].includes(part('interrupt-id'));
    const again = await page.until((view) => view.isIdle && isNew(view));
    expect([again.messages, again.part('interrupt')]).toEqual([['mail', ''], asked.part('interrupt')]);
    const [resolved] = await client.runs.list(again.part('thread'));
    expect(resolved).toMatchObject({ status: 'success', kwargs: { command: { goto: '__end__' } } });
  });

  test('answers unanswered tool calls before it continues', async (scene) => {
    const page = await openChat(scene);
    await page.send('leave a call open');
    const open = await page.untilSaid(2);
    expect(open.list('messages')[1]).toMatchObject({ type: 'ai', calls: 'nobody_answers' });
    await page.send('parrots');
    const view = await page.until(({ isIdle, messages }) => isIdle && messages.length === 4);
    expect(view.messages[3]).toBe('You said parrots after human ai tool');
    const [, asking, answering] = await messagesOf(view);
    expect(answering).toMatchObject({
      type: 'tool',
      tool_call_id: (asking as { tool_calls: { id: string }[] }).tool_calls[0].id,
      id: expect.stringMatching(/^do-not-render-/) as unknown,
    });
  });

  test('uploads files within a message', async (scene) => {
    const page = await openChat(scene);
    const files = [
      { name: 'parrot.png', mimeType: 'image/png', buffer: Buffer.from([137, 80, 78, 71, 0, 255]) },
      { name: 'parrot.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7') },
    ];
    for (const [index, file] of files.entries()) {
      await page.page.getByLabel('File').setInputFiles(file);
      await page.until(({ part }) => part('files') === String(index + 1));
    }
    await page.send('What is this?');
    const view = await page.untilSaid(2);
    expect(view.messages[0]).toBe('What is this? [image] [file]');
    const [image, file] = files.map(({ mimeType, buffer }) => ({ mimeType, data: buffer.toString('base64') }));
    expect((await messagesOf(view))[0].content).toEqual([
      { type: 'text', text: 'What is this?' },
      { type: 'image', ...image, metadata: { name: 'parrot.png' } },
      { type: 'file', ...file, metadata: { filename: 'parrot.pdf' } },
    ]);
  });

  test('shows components that the agent pushes, also when it is opened later', async (scene) => {
    const page = await openChat(scene);
    await page.send('show parrots');
    const birds = 'birds {"count":1,"kind":"parrot"}';
    const view = await page.until(({ isIdle, list }) => isIdle && list('messages')[1]?.ui === birds);
    const later = await openChat(scene, {}, view.part('thread'));
    await later.until(({ list }) => list('messages')[1]?.ui === birds);
  });

  test('shows why a run has failed', async (scene) => {
    const page = await openChat(scene, { assistantId: 'failing' });
    await page.send('parrots');
    await page.until(({ isIdle, part }) => isIdle && part('error') === 'out of beans');
  });
});
