import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  addingClient,
  type Client,
  collect,
  connect,
  newThread,
  refusal,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

/** Parameters of a run that are refused instead of being ignored, as they go over the wire. */
const REFUSED: [parameter: string, value: unknown][] = [
  // These work with LangSmith, which this server does not have.
  ['feedback_keys', ['helpful']],
  ['langsmith_tracer', { project_name: 'p' }],
  ['langsmith_tracer', { example_id: '01940000-0000-7000-8000-000000000000' }],
];

/** The same parameters with values that ask for nothing. */
const HARMLESS: [parameter: string, value: unknown][] = [
  ['webhook', null],
  ['after_seconds', 0],
  ['after_seconds', null],
  ['feedback_keys', []],
  ['feedback_keys', null],
  ['langsmith_tracer', null],
  ['langsmith_tracer', {}],
  ['langsmith_tracer', { project_name: null, example_id: null }],
];

const server = serverForFile();

describe.each(SDKS)('parameters that the server does not support, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(async () => {
    client = connect(Client, server.url);
    thread_id = await newThread(client);
  });

  const adding = (parameter: string, value: unknown): Client =>
    addingClient(Client, server.url, { [parameter]: value });

  const payload = { input: {} };

  it.each(REFUSED)('%s %j is refused by every way of starting a run', async (parameter, value) => {
    const { runs } = adding(parameter, value);
    const refused = refusal(422, 'unsupported_parameter');
    for (const thread of [thread_id, null] as [string, null]) {
      await expect(runs.create(thread, 'steps', payload)).rejects.toMatchObject(refused);
      await expect(runs.wait(thread as string, 'steps', payload)).rejects.toMatchObject(refused);
      await expect(collect(runs.stream(thread as string, 'steps', payload))).rejects.toMatchObject(refused);
    }
    await expect(runs.create(thread_id, 'steps', payload)).rejects.toThrow(parameter);
    expect(await client.runs.list(thread_id)).toEqual([]);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', metadata: {} });
  });

  it.each(REFUSED)('%s %j makes no thread', async (parameter, value) => {
    const before = await client.threads.count();
    const id = crypto.randomUUID();
    const run = adding(parameter, value).runs.create(id, 'steps', { ...payload, ifNotExists: 'create' });
    await expect(run).rejects.toMatchObject({ status: 422 });
    expect(await client.threads.count()).toBe(before);
  });

  it.each(HARMLESS)('%s %j is fine', async (parameter, value) => {
    const id = await newThread(client);
    expect(await adding(parameter, value).runs.wait(id, 'steps', payload)).toEqual({ path: ['one', 'two', 'three'] });
  });

  it.each([
    ['feedback_keys', ['helpful'], 'LANGSMITH_API_KEY'],
    ['langsmith_tracer', { project_name: 'p' }, 'LANGSMITH_TRACING'],
  ])('%s %j says what the server would need', async (parameter, value, variable) => {
    await expect(adding(parameter, value).runs.create(thread_id, 'steps', payload)).rejects.toThrow(variable);
  });

  it('fields that no version knows are ignored', async () => {
    expect(await adding('colour', 'blue').runs.wait(null, 'steps', payload)).toEqual({ path: ['one', 'two', 'three'] });
    expect(await adding('colour', 'blue').threads.create()).toMatchObject({ metadata: {} });
  });

  it('the client is not told of a run that is refused', async () => {
    const told: object[] = [];
    const run = adding('feedback_keys', ['helpful']).runs.create(thread_id, 'steps', {
      ...payload,
      onRunCreated: (created) => told.push(created),
    });
    await expect(run).rejects.toMatchObject(refusal(422, 'unsupported_parameter'));
    expect(told).toEqual([]);
  });
});
