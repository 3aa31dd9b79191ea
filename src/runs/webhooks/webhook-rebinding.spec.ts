import dns, { type LookupAddress } from 'node:dns';
import { afterAll, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { type Receiver, startReceiver } from '../../../test/support/receiver.js';

const HARMLESS = '127.0.0.2';
const FORBIDDEN = '127.0.0.1';

/** The answers of a malicious name server, one per lookup. */
let answers: string[] = [];
let asked = 0;

const lookup = (
  _hostname: string,
  _options: object,
  callback: (error: null, addresses: LookupAddress[]) => void,
): void => {
  const address = answers[Math.min(asked++, answers.length - 1)];
  process.nextTick(() => callback(null, [{ address, family: 4 }]));
};

jest.unstable_mockModule('node:dns', () => ({ ...dns, default: { ...dns, lookup }, lookup }));
const { sendWebhook } = await import('./webhook-request.js');

let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => {
  asked = 0;
});
afterAll(() => receiver.close());

const send = () =>
  sendWebhook({
    url: new URL(receiver.url.replace(FORBIDDEN, 'rebinding.example')),
    headers: {},
    body: '{}',
    ipRefusal: (ip) => (ip === FORBIDDEN ? 'private' : undefined),
    signal: new AbortController().signal,
  });

it('a rebinding name is resolved once, and the request connects to the address that was checked', async () => {
  answers = [HARMLESS, FORBIDDEN];
  // No server listens on this address.
  expect(await send()).toMatchObject({ result: 'failed' });
  expect(asked).toBe(1);
  expect(receiver.received).toEqual([]);
});

it('a name that resolves to a forbidden address at the next attempt is refused then', async () => {
  answers = [HARMLESS, FORBIDDEN];
  await send();
  expect(await send()).toMatchObject({ result: 'refused', reason: expect.stringContaining('private') });
  expect(receiver.received).toEqual([]);
});

it('the same name reaches the receiver when its address is allowed', async () => {
  answers = [FORBIDDEN];
  const { received, url } = receiver;
  const allowed = await sendWebhook({
    url: new URL(url.replace(FORBIDDEN, 'rebinding.example')),
    headers: {},
    body: '{}',
    ipRefusal: () => undefined,
    signal: new AbortController().signal,
  });
  expect(allowed).toEqual({ result: 'delivered' });
  expect(received).toHaveLength(1);
});
