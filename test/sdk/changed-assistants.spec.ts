import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';

interface Seen {
  context: { word?: string };
}

/** One server caches assistants; another one changes them. */
const server = serverForFile();
const other = server.beside();

describe.each(SDKS)('an assistant that another server has changed, with SDK %s', (_, Client) => {
  let here: Client;
  let there: Client;

  beforeAll(() => {
    here = connect(Client, server.url);
    there = connect(Client, other.url);
  });

  type Run = (assistant_id: string) => Promise<unknown>;

  const onNewThread: Run = (assistant_id) =>
    here.runs.wait(crypto.randomUUID(), assistant_id, { input: {}, ifNotExists: 'create' });

  const onIdleThread: Run = async (assistant_id) => here.runs.wait(await newThread(here), assistant_id, { input: {} });

  const onBusyThread: Run = async (assistant_id) => {
    const thread_id = await newThread(here);
    const { gate } = await startWaiting(here, thread_id);
    const { run_id } = await here.runs.create(thread_id, assistant_id, { input: {} });
    gate.open();
    return here.runs.join(thread_id, run_id);
  };

  const withoutThread: Run = (assistant_id) => here.runs.wait(null, assistant_id, { input: {} });

  const inBatch: Run = async (assistant_id) => {
    const thread_id = await newThread(here);
    const item = { assistantId: assistant_id, thread_id, input: {} };
    const [{ run_id }] = await here.runs.createBatch([item]);
    return here.runs.join(thread_id, run_id);
  };

  describe.each([
    ['on a new thread', onNewThread],
    ['on an idle thread', onIdleThread],
    ['on a busy thread', onBusyThread],
    ['without a thread', withoutThread],
    ['in a batch', inBatch],
  ])('and a run %s', (_name, run) => {
    const newAssistant = async (): Promise<string> => {
      const { assistant_id } = await here.assistants.create({ graphId: 'settings', context: { word: 'first' } });
      await run(assistant_id);
      return assistant_id;
    };

    it('is used in its current version', async () => {
      const assistant_id = await newAssistant();
      await there.assistants.update(assistant_id, { context: { word: 'second' } });
      const second = (await run(assistant_id)) as Seen;
      await there.assistants.setLatest(assistant_id, 1);
      const first = (await run(assistant_id)) as Seen;

      expect([second.context.word, first.context.word]).toEqual(['second', 'first']);
    });

    it('is not found when it was deleted', async () => {
      const assistant_id = await newAssistant();
      await there.assistants.delete(assistant_id);

      await expect(run(assistant_id)).rejects.toMatchObject(refusal(404, 'assistant_not_found'));
    });
  });
});
