import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, collect, connect, dataOf, names, newThread, SDKS, serverForFile } from '../support/sdk.js';

/** Values that the graph `values` cannot store, and the error of its run. */
const UNSERIALIZABLE: [kind: string, place: string, reason: string, ofInterrupt: RegExp][] = [
  ['circle', 'list[0].back', 'it contains itself', /circular/],
  ['toJSON', 'inside', 'it has a toJSON that throws AngryError: not me', /^not me$/],
  ['getter', 'rows[0].cell', 'it has a getter that throws AngryError: nor me', /^nor me$/],
];

const ERROR = 'UnserializableValueError';

const server = serverForFile();

describe.each(SDKS)('values that cannot be serialized with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  describe.each(UNSERIALIZABLE)('of the kind %s', (kind, place, reason, ofInterrupt) => {
    const error = { error: ERROR, message: expect.stringContaining(`kept.${place}: ${reason}`) as unknown };

    it('fail a run on a thread, whose state stays readable and which can be used again', async () => {
      const thread_id = await newThread(client);
      const answer = await client.runs.wait(thread_id, 'values', { input: { kind }, raiseError: false });
      expect(answer).toEqual({ __error__: error });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error', error });
      expect((await client.threads.getState<{ kind: string }>(thread_id)).values.kind).toBe(kind);
      const next = await client.runs.wait(thread_id, 'values', { input: { kind: 'none' } });
      expect(next).toMatchObject({ kind: 'none', seen: 'undefined' });
    });

    it('fail a run whose client reads updates, with an error event', async () => {
      const thread_id = await newThread(client);
      const parts = await collect(client.runs.stream(thread_id, 'values', { input: { kind }, streamMode: 'updates' }));
      expect(names(parts).at(-1)).toBe('error');
      expect(dataOf(parts, 'error')).toEqual([error]);
    });

    it('fail a run that is joined', async () => {
      const thread_id = await newThread(client);
      const { run_id } = await client.runs.create(thread_id, 'values', { input: { kind } });
      expect(await client.runs.join(thread_id, run_id)).toEqual({ __error__: error });
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'error' });
    });

    it('fail a stateless run', async () => {
      const answer = await client.runs.wait(null, 'values', { input: { kind }, raiseError: false });
      expect(answer).toEqual({ __error__: error });
    });

    it('fail a run that passes them to interrupt(), with the error of LangGraph', async () => {
      for (const thread_id of [await newThread(client), null]) {
        const asking = { input: { kind, ask: true }, raiseError: false };
        const answer = await (thread_id
          ? client.runs.wait(thread_id, 'values', asking)
          : client.runs.wait(null, 'values', asking));
        expect(answer).toMatchObject({ __error__: { message: expect.stringMatching(ofInterrupt) as unknown } });
      }
    });
  });

  it('fail a run and name channel and path when only its checkpoint cannot store them', async () => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { kind: 'hidden' }, raiseError: false });
    const message = 'Cannot serialize channel "kept" at kept.map[0][1].list[0].back: it contains itself.';
    expect(answer).toEqual({ __error__: { error: ERROR, message } });
    expect((await client.threads.getState<{ kind: string }>(thread_id)).values).toMatchObject({ kind: 'hidden' });
  });

  it('fail a run that throws them', async () => {
    const thread_id = await newThread(client);
    const answer = await client.runs.wait(thread_id, 'values', { input: { kind: 'thrown' }, raiseError: false });
    expect(answer).toEqual({ __error__: { error: expect.any(String), message: expect.any(String) } });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error' });
  });
});
