import { type LookupAddress, lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { retryAfterMs } from './back-off.js';

/** What is sent. */
export interface WebhookRequest {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Why an address that the host's name stands for may not be called; undefined when it may. */
  refusalOfIp: (ip: string) => string | undefined;
  /** Breaks the request off. */
  signal: AbortSignal;
}

/** How an attempt went. */
export type Attempt =
  | { result: 'delivered' }
  /** It may work later. */
  | { result: 'failed'; reason: string; retry_after_ms?: number }
  /** It will not work later, either. */
  | { result: 'refused'; reason: string };

/** Milliseconds for the connection, then for the receiver to take the request, then for its answer. */
const PATIENCE_MS = 10_000;
/** Milliseconds and bytes of an answer's body that are taken, for politeness: nobody reads them. */
const BODY_PATIENCE_MS = 1_000;
const MOST_BODY_BYTES = 16_384;

/** Answers that do not mean "never" (RFC 9110, 6585): time-out, conflict, too early, too many requests. */
const PASSING = new Set([408, 409, 425, 429]);

/** The host's name stands for addresses that may not be called. */
class AddressRefusedError extends Error {}

/**
 * Sends one request and says how it went. No redirect is followed. Every request has a connection of its own, to an
 * address that has been checked in the very look-up that gave it: no second answer of the DNS comes between.
 */
export function sendWebhook({ url, headers, body, refusalOfIp, signal }: WebhookRequest): Promise<Attempt> {
  return new Promise((resolve) => {
    const isSecure = url.protocol === 'https:';
    const request = (isSecure ? https : http).request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, ...basicAuth(url), 'content-length': Buffer.byteLength(body) },
      lookup: checkedLookup(refusalOfIp),
      signal,
    });
    let attempt: Attempt | undefined;
    let timer: NodeJS.Timeout | undefined;
    const wait = (what: string, ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
    };
    // A receiver may answer before it has taken the whole request: then nothing is waited for but the end.
    const waitUnlessAnswered = (what: string): void => (attempt ? undefined : wait(what, PATIENCE_MS));

    wait('the connection', PATIENCE_MS);
    request.once('socket', (socket) =>
      socket.once(isSecure ? 'secureConnect' : 'connect', () => waitUnlessAnswered('taking the request')),
    );
    request.once('finish', () => waitUnlessAnswered('the answer'));
    request.once('response', (response) => {
      attempt = judge(response);
      wait('the body', BODY_PATIENCE_MS);
      drop(response);
    });
    request.on('error', (error) => {
      attempt ??= toAttempt(error);
    });
    request.once('close', () => {
      clearTimeout(timer);
      resolve(attempt ?? { result: 'failed', reason: 'the connection was closed without an answer' });
    });
    request.end(body);
  });
}

function judge({ statusCode = 0, headers }: IncomingMessage): Attempt {
  if (statusCode >= 200 && statusCode < 300) {
    return { result: 'delivered' };
  }
  if (statusCode >= 300 && statusCode < 400) {
    return { result: 'refused', reason: `HTTP ${statusCode}; redirects are not followed` };
  }
  const reason = `HTTP ${statusCode}`;
  return statusCode >= 500 || PASSING.has(statusCode)
    ? { result: 'failed', reason, retry_after_ms: retryAfterMs(headers['retry-after']) }
    : { result: 'refused', reason };
}

/** Several addresses that all failed come as one error without a message of its own. */
function toAttempt(error: Error & { code?: string }): Attempt {
  const reason = error.message || error.code || error.name;
  return { result: error instanceof AddressRefusedError ? 'refused' : 'failed', reason };
}

function drop(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) {
      response.destroy();
    }
  });
  // It may be broken off at any time, by either side.
  response.on('error', () => undefined);
}

/** Credentials of the address itself win over an `authorization` for all receivers. */
function basicAuth({ username, password }: URL): Record<string, string> {
  if (!username && !password) {
    return {};
  }
  const credentials = [username, password].map(decodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const checkedLookup =
  (refusalOfIp: WebhookRequest['refusalOfIp']): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const [first, ...others] = found?.filter(({ address }) => refusalOfIp(address) === undefined) ?? [];
      if (error) {
        callback(error, []);
      } else if (!first) {
        callback(new AddressRefusedError(refusalOfAll(hostname, found, refusalOfIp)), []);
      } else if (options.all) {
        callback(null, [first, ...others]);
      } else {
        callback(null, first.address, first.family);
      }
    });

const refusalOfAll = (hostname: string, found: LookupAddress[], refusalOfIp: WebhookRequest['refusalOfIp']): string =>
  `${hostname} must not be called: ${found.map(({ address }) => refusalOfIp(address)).join('; ')}`;
