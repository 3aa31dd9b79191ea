import { type LookupAddress, lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { retryAfterMs } from './back-off.js';

/** One HTTP request of a webhook delivery. */
export interface WebhookRequest {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Why an IP address that the host name resolves to is forbidden; undefined if it is allowed. */
  ipRefusal: (ip: string) => string | undefined;
  /** Aborts the request. */
  signal: AbortSignal;
}

/** The outcome of one attempt. */
export type Attempt =
  | { result: 'delivered' }
  /** A retry may succeed. */
  | { result: 'failed'; reason: string; retry_after_ms?: number }
  /** A retry will not succeed. */
  | { result: 'refused'; reason: string };

/** Timeout of each phase: the connection, sending the request, and the response headers. */
const PHASE_TIMEOUT_MS = 10_000;
/** Limits for draining the response body, which is discarded. Draining lets the receiver finish its response. */
const BODY_TIMEOUT_MS = 1_000;
const MAX_BODY_BYTES = 16_384;

/** 4xx statuses that are worth a retry (RFC 9110, 6585): timeout, conflict, too early, too many requests. */
const TRANSIENT_STATUSES = new Set([408, 409, 425, 429]);

/** The host name resolves to forbidden addresses only. */
class AddressRefusedError extends Error {}

/**
 * Sends one request and returns its outcome. Redirects are not followed. Each request opens its own connection, to an
 * address that is checked within the DNS lookup of that connection. This prevents DNS rebinding: there is no second
 * lookup.
 */
export function sendWebhook({ url, headers, body, ipRefusal, signal }: WebhookRequest): Promise<Attempt> {
  return new Promise((resolve) => {
    const isSecure = url.protocol === 'https:';
    const request = (isSecure ? https : http).request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, ...basicAuth(url), 'content-length': Buffer.byteLength(body) },
      lookup: checkedLookup(ipRefusal),
      signal,
    });
    let attempt: Attempt | undefined;
    let timer: NodeJS.Timeout | undefined;
    const wait = (what: string, ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
    };
    // A receiver may respond before it has read the whole request. From then on only the body timeout applies.
    const waitUnlessResponded = (what: string): void => (attempt ? undefined : wait(what, PHASE_TIMEOUT_MS));

    wait('the connection', PHASE_TIMEOUT_MS);
    request.once('socket', (socket) =>
      socket.once(isSecure ? 'secureConnect' : 'connect', () => waitUnlessResponded('sending the request')),
    );
    request.once('finish', () => waitUnlessResponded('the response'));
    request.once('response', (response) => {
      attempt = judge(response);
      wait('the body', BODY_TIMEOUT_MS);
      drop(response);
    });
    request.on('error', (error) => {
      attempt ??= toAttempt(error);
    });
    request.once('close', () => {
      clearTimeout(timer);
      resolve(attempt ?? { result: 'failed', reason: 'the connection was closed without a response' });
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
  return statusCode >= 500 || TRANSIENT_STATUSES.has(statusCode)
    ? { result: 'failed', reason, retry_after_ms: retryAfterMs(headers['retry-after']) }
    : { result: 'refused', reason };
}

/** If several addresses fail, Node throws one AggregateError without a message. */
function toAttempt(error: Error & { code?: string }): Attempt {
  const reason = error.message || error.code || error.name;
  return { result: error instanceof AddressRefusedError ? 'refused' : 'failed', reason };
}

function drop(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      response.destroy();
    }
  });
  // Either side may abort the response at any time.
  response.on('error', () => undefined);
}

/** Credentials in the URL override the `authorization` header for all receivers. */
function basicAuth({ username, password }: URL): Record<string, string> {
  if (!username && !password) {
    return {};
  }
  const credentials = [username, password].map(decodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const checkedLookup =
  (ipRefusal: WebhookRequest['ipRefusal']): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const [first, ...others] = found?.filter(({ address }) => ipRefusal(address) === undefined) ?? [];
      if (error) {
        callback(error, []);
      } else if (!first) {
        callback(new AddressRefusedError(lookupRefusal(hostname, found, ipRefusal)), []);
      } else if (options.all) {
        callback(null, [first, ...others]);
      } else {
        callback(null, first.address, first.family);
      }
    });

const lookupRefusal = (hostname: string, found: LookupAddress[], ipRefusal: WebhookRequest['ipRefusal']): string =>
  `${hostname} must not be called: ${found.map(({ address }) => ipRefusal(address)).join('; ')}`;
