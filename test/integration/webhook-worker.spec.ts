import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { NestgraphConfig } from '../../src/config/index.js';
import type { Notifications } from '../../src/database/index.js';
import { type Delivery, WebhookOutbox } from '../../src/runs/queue/webhook-outbox.js';
import type { FinalState } from '../../src/runs/webhooks/final-state.js';
import type { OwnAddress } from '../../src/runs/webhooks/own-address.js';
import type { Attempt } from '../../src/runs/webhooks/webhook-request.js';
import { WebhookDelivery } from '../../src/runs/webhooks/webhook-delivery.js';
import type { WebhookSender } from '../../src/runs/webhooks/webhook-sender.js';
import { WebhookWorker } from '../../src/runs/webhooks/webhook-worker.js';
import type { Refusal, RunRecheck } from '../../src/runs/access/run-recheck.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { askUntil } from '../support/until.js';

/** Stands in for the network. */
type Send = (delivery: Delivery, signal: AbortSignal) => Promise<Attempt>;

/** A process that delivers. `refusal`: why what it would send is not allowed any more. */
interface Start {
  send: Send;
  base?: string | null;
  refusal?: Refusal;
}

const DELIVERED: Attempt = { result: 'delivered' };

/** Resolves when the signal aborts, as a request that gets no answer does. */
const never: Send = (_, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve({ result: 'failed', reason: 'aborted' })));

describe('WebhookWorker', () => {
  let database: TestDatabase;
  let workers: WebhookWorker[];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createDatabase();
  });
  beforeEach(async () => {
    workers = [];
    await database.pool.query('TRUNCATE webhook_deliveries');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stopAll();
  });
  afterAll(() => database.drop());

  /** A process of its own, as far as the outbox can tell. */
  const start = ({ send, base = 'http://127.0.0.1:1', refusal }: Start) => {
    const published: string[] = [];
    const notifications = {
      on: () => undefined,
      onReconnect: () => undefined,
      publish: ({ topic }: { topic: string }) => void published.push(topic),
    };
    const worker = new WebhookWorker(
      new WebhookOutbox(database.pool),
      new WebhookDelivery(
        { refusalOf: () => Promise.resolve(refusal) } as unknown as RunRecheck,
        { complete: (delivery: Delivery) => Promise.resolve(delivery) } as FinalState,
        { send } as WebhookSender,
      ),
      { base: base ?? undefined, onListen: () => undefined } as unknown as OwnAddress,
      notifications as unknown as Notifications,
      { command: 'start', webhooks: { allow_loopback: false, allow_private: false } } as NestgraphConfig,
    );
    worker.onApplicationBootstrap();
    workers.push(worker);
    return { worker, published };
  };
  const stopAll = () => Promise.all(workers.splice(0).map((worker) => worker.beforeApplicationShutdown()));

  const fill = (url: string, amount: number) =>
    database.pool.query(
      `INSERT INTO webhook_deliveries (run_id, url, payload, read_state)
       SELECT gen_random_uuid(), $1, '{}', false FROM generate_series(1, $2::integer)`,
      [url, amount],
    );
  const count = async (condition = 'true'): Promise<number> =>
    (await database.pool.query(`SELECT FROM webhook_deliveries WHERE ${condition}`)).rowCount ?? 0;

  it('shares deliveries with other processes: each is made by one of them', async () => {
    for (let host = 0; host < 20; host += 1) {
      await fill(`https://host-${host}.example/`, 20);
    }
    const sent: string[][] = [[], [], []];
    sent.forEach((mine) => {
      start({
        send: ({ run_id }) => new Promise((resolve) => setImmediate(() => (mine.push(run_id), resolve(DELIVERED)))),
      });
    });
    await askUntil(count, (left) => left === 0);
    expect(new Set(sent.flat()).size).toBe(400);
    expect(sent.flat()).toHaveLength(400);
    expect(sent.filter(({ length }) => length > 0).length).toBeGreaterThan(1);
  });

  it('delivers to other receivers while one does not respond, however many deliveries it has', async () => {
    await fill('https://dead.example/', 200);
    await fill('https://alive.example/', 100);
    const waiting = new Set<string>();
    const send: Send = (delivery, signal) => {
      if (delivery.target === 'alive.example') {
        return Promise.resolve(DELIVERED);
      }
      waiting.add(delivery.run_id);
      return never(delivery, signal);
    };
    start({ send });
    await askUntil(() => count(`target = 'alive.example'`), (left) => left === 0); // prettier-ignore
    expect(await count(`target = 'dead.example'`)).toBe(200);
    expect(waiting.size).toBe(4);
  });

  it('releases deliveries in flight at shutdown, and does not count the attempt', async () => {
    await fill('https://dead.example/', 6);
    let begun = 0;
    start({ send: (delivery, signal) => ((begun += 1), never(delivery, signal)) });
    await askUntil(() => Promise.resolve(begun), (number) => number === 4); // prettier-ignore
    await stopAll();
    expect(begun).toBe(4);
    expect(await count('attempts = 0 AND lease_token IS NULL AND due_at <= clock_timestamp()')).toBe(6);
  });

  it('retries failed deliveries, and does not retry refused ones', async () => {
    await fill('https://busy.example/', 1);
    await fill('https://gone.example/', 1);
    const attempts: Record<string, number> = {};
    const send: Send = ({ target }) => {
      attempts[target] = (attempts[target] ?? 0) + 1;
      const again = target === 'busy.example' && attempts[target] === 1;
      return Promise.resolve<Attempt>(
        target === 'gone.example'
          ? { result: 'refused', reason: 'HTTP 410' }
          : again ? { result: 'failed', reason: 'HTTP 500' } : DELIVERED,
      ); // prettier-ignore
    };
    start({ send });
    await askUntil(() => count(`target = 'busy.example'`), (left) => left === 0); // prettier-ignore
    expect(attempts).toEqual({ 'busy.example': 2, 'gone.example': 1 });
    expect(await count(`failed_at IS NOT NULL AND attempts = 1 AND last_error = 'HTTP 410'`)).toBe(1);
  });

  it.each([
    [true, `failed_at IS NOT NULL AND caller IS NULL AND last_error = 'no'`],
    [false, `failed_at IS NULL AND caller IS NOT NULL AND attempts = 1 AND last_error = 'no'`],
  ])('sends nothing that is no longer allowed, permanently if that is decided (%s)', async (is_decided, expected) => {
    await fill('https://a.example/', 1);
    await database.pool.query(`UPDATE webhook_deliveries SET caller = '{"user": {}}'`);
    start({ send: () => Promise.reject(new Error('sent')), refusal: { message: 'no', is_decided } });
    await askUntil(
      () => count('last_error IS NOT NULL'),
      (refused) => refused === 1,
    );
    expect(await count(expected)).toBe(1);
  });

  it('gives up after the seventh attempt', async () => {
    await fill('https://busy.example/', 1);
    await database.pool.query('UPDATE webhook_deliveries SET attempts = 6');
    start({ send: () => Promise.resolve<Attempt>({ result: 'failed', reason: 'HTTP 503' }) });
    await askUntil(() => count('failed_at IS NOT NULL'), (failed) => failed === 1); // prettier-ignore
    expect(await count(`attempts = 7 AND last_error = 'HTTP 503'`)).toBe(1);
  });

  it('survives every error while it sends', async () => {
    await fill('https://odd.example/', 1);
    let calls = 0;
    start({ send: () => ((calls += 1), Promise.reject(new Error('unforeseen'))) });
    await askUntil(() => Promise.resolve(calls), (number) => number === 1); // prettier-ignore
    await fill('https://even.example/', 1);
    const { worker } = start({ send: () => Promise.resolve(DELIVERED) });
    worker.announce('https://even.example/');
    await askUntil(() => count(`target = 'even.example'`), (left) => left === 0); // prettier-ignore
    expect(await count(`target = 'odd.example'`)).toBe(1);
  });

  it('sends nothing if the process was blocked after the claim, because the lease could expire during the attempt', async () => {
    const released = jest.spyOn(WebhookOutbox.prototype, 'release');
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 20_000));
    await fill('https://example.com/', 1);
    const attempts: number[] = [];
    start({ send: (delivery) => (attempts.push(delivery.attempts), Promise.resolve(DELIVERED)) });
    await askUntil(() => Promise.resolve(released.mock.calls.length), (calls) => calls >= 2); // prettier-ignore
    expect(attempts).toEqual([]);
    clock.mockRestore();
    await askUntil(count, (left) => left === 0);
    expect(attempts).toEqual([1]);
  });

  it('notifies other processes of a webhook to a path of the server only, and only if it does not listen itself', async () => {
    const { worker, published } = start({ send: never, base: null });
    await fill('/path', 1);
    worker.announce('https://example.com/');
    expect(published).toEqual([]);
    worker.announce('/path');
    expect(published).toEqual(['webhook_queued']);
    const delivered: string[] = [];
    start({ send: ({ url }) => (delivered.push(url), Promise.resolve(DELIVERED)) });
    await askUntil(count, (left) => left === 0);
    expect(delivered).toEqual(['/path']);
  });

  it('removes old failed deliveries', async () => {
    await fill('https://gone.example/', 2);
    await database.pool.query(
      `UPDATE webhook_deliveries SET failed_at = now() - interval '8 days' WHERE run_id IN (
         SELECT run_id FROM webhook_deliveries LIMIT 1)`,
    );
    await database.pool.query(`UPDATE webhook_deliveries SET failed_at = now() WHERE failed_at IS NULL`);
    const { worker } = start({ send: never });
    await worker.sweep();
    expect(await count()).toBe(1);
  });
});
