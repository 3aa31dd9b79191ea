import { describe, expect, it } from '@jest/globals';
import {
  accepted,
  documentedRoutes,
  fill,
  INPUT,
  own,
  type Owned,
  requestsTo,
  type RouteRequest,
  sender,
} from '../support/owned.js';
import { isRespelled, respelledRows } from '../support/respelled.js';
import { newGate, serverForFile } from '../support/sdk.js';

// Swift, .NET and Java print UUIDs in upper case. Whatever a client sends, and wherever, one spelling is kept and compared.
const server = serverForFile();
const send = sender(server);

const inUpperCase = (owned: Owned): Owned =>
  Object.fromEntries(
    Object.entries(owned).map(([kind, id]) => [kind, (id as string).toUpperCase()]),
  ) as unknown as Owned;

/** What an answer consists of, whichever thread it is about. */
async function answerTo(name: string, { body, query }: RouteRequest, owned: Owned): Promise<object> {
  const [method, route] = name.split(' ');
  const leaving = new AbortController();
  const response = await send(method, fill(route, owned) + (query?.(owned) ?? ''), body?.(owned), leaving.signal);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    leaving.abort();
    return { status: response.status };
  }
  const text = await response.text();
  const parsed = text ? (JSON.parse(text) as unknown) : undefined;
  return { status: response.status, shape: shapeOf(parsed), isRespelled: isRespelled(text) };
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.length;
  }
  return typeof value === 'object' && value !== null ? Object.keys(value).sort() : value;
}

const cases = documentedRoutes().flatMap((name) =>
  requestsTo(name).map((request, index): [string, number, RouteRequest] => [name, index, request]),
);

describe('A request with its ids in upper case', () => {
  it.each(cases)('is answered as in lower case: %s, request %i', async (name, _, request) => {
    const [lower, upper] = await Promise.all([own(send), own(send)]);
    const expected = await answerTo(name, request, lower);

    expect(await answerTo(name, request, inUpperCase(upper))).toEqual(expected);
  });

  it('leaves no id in upper case in the database', async () => {
    expect(await respelledRows(server.database.pool)).toEqual([]);
  });
});

describe('In upper case', () => {
  const inputOf = (word: string): object => ({ assistant_id: 'steps', input: { path: [word] } });

  it('a thread has one state, which is gone with it', async () => {
    const thread_id = crypto.randomUUID();
    const upper = thread_id.toUpperCase();
    await accepted(send('POST', '/threads', { thread_id: upper }));
    await accepted(send('POST', `/threads/${upper}/runs/wait`, inputOf('first')));
    await accepted(send('POST', `/threads/${thread_id}/runs/wait`, inputOf('second')));
    const state = await accepted<{ values: { path: string[] } }>(send('GET', `/threads/${upper}/state`));
    await accepted(send('DELETE', `/threads/${upper}`));
    await accepted(send('POST', '/threads', { thread_id }));
    const reborn = await accepted<{ values: object }>(send('GET', `/threads/${thread_id}/state`));

    expect(state.values.path).toEqual(expect.arrayContaining(['first', 'second']));
    expect(reborn.values).toEqual({});
    const { rows } = await server.database.pool.query('SELECT FROM checkpoints WHERE lower(thread_id) = $1', [
      thread_id,
    ]);
    expect(rows).toEqual([]);
  });

  it('an assistant that has changed is run as it is now', async () => {
    const { assistant_id } = await accepted<{ assistant_id: string }>(
      send('POST', '/assistants', { graph_id: 'settings', context: { word: 'first' } }),
    );
    const run = (): Promise<{ context: { word: string } }> =>
      accepted(send('POST', '/runs/wait', { assistant_id: assistant_id.toUpperCase(), input: {} }));
    const before = await run();
    await accepted(send('PATCH', `/assistants/${assistant_id}`, { context: { word: 'second' } }));

    expect([before.context.word, (await run()).context.word]).toEqual(['first', 'second']);
  });

  it('a run that is being executed is joined until its end', async () => {
    const gate = newGate();
    const { thread_id } = await accepted<{ thread_id: string }>(send('POST', '/threads', {}));
    const body = { assistant_id: 'waiting', input: { gate: gate.path, label: 'a' } };
    const { run_id } = await accepted<{ run_id: string }>(send('POST', `/threads/${thread_id}/runs`, body));
    const joined = accepted(send('GET', `/threads/${thread_id}/runs/${run_id.toUpperCase()}/join`));
    gate.open();

    expect(await joined).toMatchObject({ order: ['a:start', 'a:end'] });
  });

  it('the thread in the config of a run that was queued before ids had one spelling is the thread of its row', async () => {
    const { pool } = server.database;
    const { thread_id } = await accepted<{ thread_id: string }>(send('POST', '/threads', {}));
    const delayed = { ...INPUT, after_seconds: 3600 };
    const { run_id } = await accepted<{ run_id: string }>(send('POST', `/threads/${thread_id}/runs`, delayed));
    await pool.query('UPDATE runs SET kwargs = replace(kwargs::text, $2, upper($2))::json WHERE run_id = $1', [
      run_id,
      thread_id,
    ]);
    await pool.query('UPDATE runs SET due_at = now(), turn_at = now() WHERE run_id = $1', [run_id]);
    await accepted(send('GET', `/threads/${thread_id}/runs/${run_id}/join`));

    const { rows } = await pool.query(
      'SELECT DISTINCT thread_id FROM checkpoints WHERE lower(thread_id) = $1 ORDER BY 1',
      [thread_id],
    );
    expect(rows).toEqual([{ thread_id }]);
  });

  it('the id of a new thread or assistant is the one that it is found by', async () => {
    const [thread_id, assistant_id] = [crypto.randomUUID(), crypto.randomUUID()];
    const thread = await accepted(send('POST', '/threads', { thread_id: thread_id.toUpperCase() }));
    const assistant = await accepted(
      send('POST', '/assistants', { assistant_id: assistant_id.toUpperCase(), graph_id: 'steps' }),
    );

    expect([thread, assistant]).toMatchObject([{ thread_id }, { assistant_id }]);
    expect(await accepted(send('GET', `/assistants/${assistant_id}`))).toEqual(assistant);
    await accepted(send('POST', `/threads/${thread_id}/runs/wait`, INPUT));
  });
});
