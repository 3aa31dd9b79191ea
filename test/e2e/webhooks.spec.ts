import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { signatureOf } from '../../src/runs/webhooks/signature.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Answer, type Refusal, send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

const PRIVATE = { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true' };
const STEPS = ['one', 'two', 'three'];

/** Several servers are started in a test. */
let database: TestDatabase;
let receiver: Receiver;
let answer: (request: Received) => void;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  answer = ({ response }) => response.end();
  receiver = await startReceiver((request) => answer(request));
});
afterEach(async () => {
  await killLeftovers();
  await receiver.close();
  await database.pool.query('TRUNCATE threads, webhook_deliveries CASCADE');
});
afterAll(() => database.drop());

const wait = (server: TestServer, webhook: string): Promise<Answer> =>
  sendJson(`${server.url}/runs/wait`, { assistant_id: 'steps', input: {}, webhook });

interface Row {
  run_id: string;
  attempts: number;
  last_error: string | null;
  lease_token: string | null;
  failed_at: Date | null;
}

const rows = async (): Promise<Row[]> =>
  (await database.pool.query<Row>('SELECT run_id, attempts, last_error, lease_token, failed_at FROM webhook_deliveries'))
    .rows; // prettier-ignore

const untilFailed = async (): Promise<Row> =>
  (await askUntil(rows, ([row]) => row?.failed_at !== null && row !== undefined))[0];

describe('a server that is killed', () => {
  it('between the end of a run and the delivery of its webhook delivers it after its restart', async () => {
    answer = ({ response }) => response.writeHead(503).end();
    const server = await startServer({ database, env: PRIVATE });
    expect((await wait(server, receiver.url)).json).toEqual({ path: STEPS });
    await askUntil(rows, ([row]) => row?.attempts > 0 && row.lease_token === null);
    await server.stop('SIGKILL');

    const before = receiver.received.length;
    answer = ({ response }) => response.end();
    await startServer({ database, env: PRIVATE });
    const { payload, headers } = (await receiver.until(() => true, before + 1))[before];

    expect(payload).toMatchObject({ status: 'success', values: { path: STEPS } });
    expect(headers['webhook-id']).toBe(payload.run_id);
    expect(await askUntil(rows, (left) => left.length === 0)).toEqual([]);
  });

  it('during a delivery repeats it after its lease has expired, with the same id', async () => {
    answer = ({ response }) => receiver.received.length > 1 && response.end();
    const server = await startServer({ database, env: PRIVATE });
    await wait(server, receiver.url);
    await receiver.until(() => true);
    await server.stop('SIGKILL');
    await database.pool.query('UPDATE webhook_deliveries SET due_at = now()');
    await startServer({ database, env: PRIVATE });

    const [first, second] = await receiver.until(() => true, 2);
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
  });
});

it('a server that is stopped releases its undelivered webhooks without waiting for them', async () => {
  answer = () => undefined;
  const server = await startServer({ database, command: 'start', env: PRIVATE });
  await wait(server, receiver.url);
  await receiver.until(() => true);
  expect(await server.stop()).toBe(0);

  expect(await rows()).toMatchObject([{ attempts: 0, lease_token: null, failed_at: null }]);
});

describe('a run that was stopped without a response from its process', () => {
  it('has a webhook with the state of its last checkpoint, although the process has died', async () => {
    const server = await startServer({ database, env: PRIVATE });
    const other = await startServer({ database, env: { ...PRIVATE, N_JOBS_PER_WORKER: '0' } });
    const { json } = await sendJson(`${server.url}/threads`, {});
    const { thread_id } = json as { thread_id: string };
    const body = { assistant_id: 'waiting', webhook: receiver.url, input: { gate: '/nowhere', label: 'a' } };
    const { json: run } = await sendJson(`${server.url}/threads/${thread_id}/runs`, body);
    const { run_id } = run as { run_id: string };
    // The input, its first state, and the state after the first node.
    const checkpoints = () => database.pool.query('SELECT FROM checkpoints WHERE thread_id = $1', [thread_id]);
    await askUntil(checkpoints, ({ rowCount }) => rowCount === 3);
    await server.stop('SIGKILL');
    await send(`${other.url}/threads/${thread_id}/runs/${run_id}/cancel`, { method: 'POST' });

    const [{ payload }] = await receiver.until(() => true);
    expect(payload).toMatchObject({ run_id, status: 'interrupted', values: { label: 'a', order: ['a:start'] } });
  });
});

describe('a host name that resolves to a private address', () => {
  it('is rejected in the DNS lookup: the delivery fails permanently without a connection', async () => {
    const server = await startServer({ database, command: 'start' });
    const webhook = `${receiver.url.replace('127.0.0.1', 'localhost')}/secret`.replace('//', '//user:secret@');
    expect((await wait(server, webhook)).json).toEqual({ path: STEPS });

    expect(await untilFailed()).toMatchObject({
      attempts: 1,
      last_error: expect.stringMatching(/^localhost must not be called: .* is not a public address /),
    });
    await server.printed(/webhook to http:\/\/localhost:\d+ failed permanently/);
    expect(server.output()).not.toContain('secret');
    expect(receiver.received).toEqual([]);
  });
});

describe('while a graph is being developed', () => {
  it('webhooks can call this machine, as the log says, but not the network', async () => {
    const server = await startServer({ database, command: 'dev' });
    await server.printed(/Webhooks may call addresses of this machine, because this is `nestgraph dev`/);
    for (const [count, host] of ['127.0.0.1', 'localhost'].entries()) {
      await wait(server, receiver.url.replace('127.0.0.1', host));
      const { payload, headers } = (await receiver.until(() => true, count + 1))[count];
      expect(headers.host).toContain(host);
      expect(payload).toMatchObject({ status: 'success', values: { path: STEPS } });
    }
    for (const webhook of [
      'http://10.0.0.1/',
      'http://192.168.1.1/',
      'http://169.254.169.254/latest/meta-data/',
      'http://[fe80::1]/',
      'http://[fd00::1]/',
    ]) {
      expect(await wait(server, webhook)).toMatchObject({ status: 422, json: { code: 'webhook_refused' } });
    }
  });

  it.each<[string, { command?: 'start'; env?: Record<string, string> }]>([
    ['`start`', { command: 'start' }],
    ['NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=false', { env: { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'false' } }],
  ])('only: with %s webhooks cannot call this machine, and the log does not mention it', async (_, options) => {
    const server = await startServer({ database, ...options });
    expect(await wait(server, receiver.url)).toMatchObject({ status: 422, json: { code: 'webhook_refused' } });
    expect(server.output()).not.toContain('addresses of this machine');
  });
});

describe('a redirect', () => {
  it('is not followed, and the delivery fails permanently', async () => {
    const elsewhere = await startReceiver();
    const server = await startServer({ database, env: PRIVATE });
    for (const code of [301, 302, 303, 307, 308]) {
      answer = ({ response }) => response.writeHead(code, { location: `${elsewhere.url}/internal` }).end();
      expect((await wait(server, receiver.url)).json).toEqual({ path: STEPS });

      const last_error = `HTTP ${code}; redirects are not followed`;
      expect(await untilFailed()).toMatchObject({ attempts: 1, last_error });
      expect(elsewhere.received).toEqual([]);
      await database.pool.query('TRUNCATE webhook_deliveries');
    }
    await elsewhere.close();
  });
});

describe('webhooks in langgraph.json', () => {
  let project: Project;

  beforeEach(async () => {
    project = await createProject({ graphs: ['steps.ts'] });
  });
  afterEach(() => project.remove());

  const configure = (settings: object) =>
    project.write('langgraph.json', { graphs: { steps: './steps.ts:graph' }, ...settings });

  const refusalOf = async (server: TestServer, webhook: string): Promise<Refusal> => {
    const { status, json } = await wait(server, webhook);
    expect(status).toBe(422);
    return json as Refusal;
  };

  it('add headers, with values from the environment', async () => {
    await configure({
      env: { LG_WEBHOOK_TOKEN: 't0ken' },
      webhooks: { headers: { Authorization: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}', 'X-Tenant': 'acme' } },
    });
    const server = await project.start({ database, env: { ...PRIVATE, LOG_LEVEL: 'debug' } });
    await wait(server, receiver.url);

    const [{ headers }] = await receiver.until(() => true);
    expect(headers).toMatchObject({ authorization: 'Bearer t0ken', 'x-tenant': 'acme' });
    await server.printed(/webhook to \S+ delivered/);
    expect(server.output()).not.toContain('t0ken');
  });

  it('cause a warning at the start if they may call any address', async () => {
    const headers = { authorization: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}' };
    const env = { LG_WEBHOOK_TOKEN: 't0ken' };
    await configure({ webhooks: { headers } });
    const warned = await project.start({ database, env, command: 'start' });
    expect(warned.output()).toContain('Warning: webhooks.headers (authorization) are sent to any address');
    expect(warned.output()).not.toContain('t0ken');
    await configure({ webhooks: { headers, url: { allowed_domains: ['example.com'] } } });
    const named = await project.start({ database, env, command: 'start' });
    expect(named.output()).not.toContain('webhooks.headers');
  });

  it('prevent the start if a variable is missing or must not be sent', async () => {
    const headers = { a: '${{ env.LG_WEBHOOK_TOKEN }}', b: '${{ env.DATABASE_URI }}' };
    await configure({ webhooks: { headers } });
    const { code, output } = await project.run(['dev', '--port', '0'], { database });

    expect(code).toBe(1);
    expect(output).toContain('langgraph.json: webhooks.headers.a: the variable LG_WEBHOOK_TOKEN is not set');
    expect(output).toContain('langgraph.json: webhooks.headers.b: the variable DATABASE_URI does not begin with');
    expect(output).not.toContain(database.uri);
  });

  it('decide which addresses are allowed, and errors name the field', async () => {
    await configure({
      webhooks: {
        url: {
          allowed_domains: ['*.example.com'],
          allowed_ports: [443],
          require_https: true,
          disable_loopback: true,
          max_url_length: 50,
        },
      },
    });
    const server = await project.start({ database });
    const refusals: [string, string][] = [
      ['https://example.org/', 'allowed_domains'],
      ['https://a.example.com:444/', 'allowed_ports'],
      ['http://a.example.com:443/', 'require_https'],
      ['/hook', 'disable_loopback'],
      [`https://a.example.com/${'x'.repeat(50)}`, 'max_url_length'],
    ];
    for (const [webhook, setting] of refusals) {
      const { code, detail, errors } = await refusalOf(server, webhook);
      expect({ code, errors }).toEqual({
        code: 'webhook_refused',
        errors: [{ path: 'webhook', message: expect.stringContaining(`webhooks.url.${setting}`) }],
      });
      expect(detail).toMatch(/^webhook: /);
    }
    expect((await database.pool.query('SELECT FROM threads')).rowCount).toBe(0);
  });

  it('can be disabled', async () => {
    await configure({ http: { disable_webhooks: true } });
    const server = await project.start({ database, env: PRIVATE });
    for (const webhook of [receiver.url, '/hook']) {
      expect(await refusalOf(server, webhook)).toMatchObject({
        code: 'webhook_refused',
        detail: expect.stringContaining('http.disable_webhooks'),
      });
    }
  });

  it('that have become stricter apply to pending deliveries', async () => {
    answer = ({ response }) => response.writeHead(503).end();
    const before = await project.start({ database, env: PRIVATE });
    await wait(before, receiver.url);
    await askUntil(rows, ([row]) => row?.attempts === 1 && row.lease_token === null);
    await before.stop();
    await configure({ webhooks: { url: { require_https: true } } });
    await project.start({ database, env: PRIVATE });

    expect(await untilFailed()).toMatchObject({ last_error: expect.stringContaining('webhooks.url.require_https') });
  });
});

it('a secret signs each delivery', async () => {
  const secret = `whsec_${Buffer.from(randomUUID()).toString('base64')}`;
  const server = await startServer({ database, env: { ...PRIVATE, NESTGRAPH_WEBHOOK_SECRET: secret } });
  await wait(server, receiver.url);
  const [{ headers, body, payload }] = await receiver.until(() => true);

  const timestamp = Number(headers['webhook-timestamp']);
  expect(timestamp).toBe(Math.floor(Date.parse(String(payload.webhook_sent_at)) / 1000));
  expect(headers['webhook-signature']).toBe(signatureOf({ id: String(payload.run_id), timestamp, body }, secret));
  expect(server.output()).not.toContain(secret);
});

describe('a path of the server', () => {
  const newThread = async (server: TestServer): Promise<string> =>
    ((await sendJson(`${server.url}/threads`, {})).json as { thread_id: string }).thread_id;
  const runsOf = async (server: TestServer, thread_id: string): Promise<unknown[]> =>
    (await send(`${server.url}/threads/${thread_id}/runs`)).json as unknown[];

  it('is below its mount prefix', async () => {
    const server = await startServer({ database, env: { MOUNT_PREFIX: '/api' } });
    const thread_id = await newThread(server);
    await wait(server, `/threads/${thread_id}/runs`);

    await askUntil(
      () => runsOf(server, thread_id),
      ({ length }) => length === 1,
    );
  });

  it('is called by a process that listens when a worker has executed the run', async () => {
    const server = await startServer({ database, env: { N_JOBS_PER_WORKER: '0', HOST: '0.0.0.0' } });
    await startServer({ database, command: 'worker' });
    const thread_id = await newThread(server);
    await wait(server, `/threads/${thread_id}/runs`);

    await askUntil(
      () => runsOf(server, thread_id),
      ({ length }) => length === 1,
    );
    expect(await askUntil(rows, (left) => left.length === 0)).toEqual([]);
  });
});
