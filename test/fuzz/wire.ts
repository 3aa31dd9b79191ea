import net from 'node:net';
import { Ref, type Value, write, writeText, type PlaceAt } from './json.js';
import type { Draft, Twist } from './requests.js';

/** A request in wire format. */
export interface WireRequest {
  route: string;
  bytes: Buffer;
}

export interface WireAnswer {
  status: number;
  head: string;
  body: string;
  /** The client has disconnected before the end: the response lasts as long as a run. */
  left: boolean;
  /** The server has aborted the response, as it does after an error in mid-stream. */
  broken: boolean;
}

/** The wire format of a draft: no client library repairs its damage. */
export function toWire(draft: Draft, placeAt: PlaceAt, key: string | undefined): WireRequest {
  const { route, twist } = draft;
  const method = twist === 'other-method' ? 'PUT' : route.method;
  const target = targetOf(draft, placeAt);
  const body = twistBody(bodyText(draft, placeAt), twist);
  const type = twist === 'other-type' ? 'application/x-www-form-urlencoded' : 'application/json';
  const headers: [string, string][] = [
    ['host', 'fuzz'],
    ['connection', 'close'],
    ...(key ? ([['x-api-key', key]] as [string, string][]) : []),
    ...(body ? ([['content-type', type]] as [string, string][]) : []),
    ...draft.headers,
    ...(body || method !== 'GET' ? ([['content-length', String(body?.length ?? 0)]] as [string, string][]) : []),
  ];
  const lines = headers.map(([name, value]) => `${name}: ${headerText(value)}`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return { route: route.name, bytes: Buffer.concat([head, body ?? Buffer.alloc(0)]) };
}

/** A line break would start another header: an injection by the client, not by the server. */
const headerText = (value: string): string => value.replace(/[\0\r\n]/g, ' ').slice(0, 4_000);

function bodyText({ body }: Draft, placeAt: PlaceAt): string | undefined {
  return body === undefined ? undefined : write(body, placeAt);
}

function targetOf({ route, path, query, twist }: Draft, placeAt: PlaceAt): string {
  const target = route.path.replace(/\{(\w+)\}/g, (_, name: string) => escaped(path[name], placeAt).slice(0, 3_000));
  const pairs = query.map(([name, value]) => `${escapeText(name)}=${escaped(value, placeAt)}`);
  const text = pairs.join('&').slice(0, 6_000);
  return twistTarget(target, twist) + twistQuery(text, twist);
}

const escaped = (value: Value, placeAt: PlaceAt): string =>
  escapeText(value instanceof Ref ? writeText(value, placeAt) : writeText(value, placeAt).slice(0, 2_500));

/** An unpaired surrogate cannot be escaped. */
const escapeText = (text: string): string => encodeURIComponent(Buffer.from(text).toString());

function twistTarget(target: string, twist: Twist | undefined): string {
  switch (twist) {
    case 'traversal':
      return `/docs/../${target}/../../../../secret.txt`;
    case 'encoded-traversal':
      return `/docs/..%2f..%2f%2e%2e/%2e%2e%5c..${target}%2f..%2f..%2fsecret.txt`;
    case 'broken-escape':
      return `${target}%zz%`;
    case 'escaped-nul':
      return `${target}%00`;
    case 'escaped-line-break':
      return `${target}%0d%0ax-injected:%20yes`;
    case 'trailing-slash':
      return `${target}/`;
    case 'doubled-slash':
      return `/${target}`;
    case 'upper-case':
      return target.toUpperCase();
    case 'invalid-utf8':
      return `${target}%ff%c0%af`;
    default:
      return target;
  }
}

function twistQuery(query: string, twist: Twist | undefined): string {
  switch (twist) {
    case 'query-objects':
      return `?${query}&limit[a]=1&limit[]=1&__proto__[polluted]=1&constructor.prototype=1&=&&a`;
    case 'long-query':
      return `?${query}&select=${'x,'.repeat(3_000)}`;
    default:
      return query ? `?${query}` : '';
  }
}

function twistBody(body: string | undefined, twist: Twist | undefined): Buffer | undefined {
  switch (twist) {
    case 'no-json':
      return Buffer.from(`${body ?? ''}}{'not': json}`);
    case 'cut-off':
      return Buffer.from((body ?? '{"a":').slice(0, -1));
    case 'invalid-utf8':
      return body === undefined ? undefined : inserted(body, Buffer.from([0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80]));
    case 'bom':
      return body === undefined ? undefined : Buffer.from(`\ufeff${body}`);
    case 'doubled-keys':
      return body === undefined ? undefined : Buffer.from(body.replace(/^\{(.+)\}$/s, '{$1,$1}'));
    case 'prototype-key':
      return Buffer.from((body ?? '{}').replace(/^\{/, '{"__proto__":{"polluted":1},').replace(',}', '}'));
    case 'too-large':
      return body === undefined ? undefined : Buffer.from(`${' '.repeat(1_100_000)}${body}`);
    default:
      return body === undefined ? undefined : Buffer.from(body);
  }
}

/** Inserts into the first string value, or at the end if there is none. */
function inserted(body: string, bytes: Buffer): Buffer {
  const at = body.indexOf(':"') + 2;
  return at === 1
    ? Buffer.concat([Buffer.from(body), bytes])
    : Buffer.concat([Buffer.from(body.slice(0, at)), bytes, Buffer.from(body.slice(at))]);
}

/** Milliseconds within which a response must start and, unless it lasts as long as a run, end. */
const RESPONSE_TIMEOUT_MS = 10_000;

/**
 * Sends a request and reads its response. A response that lasts as long as a run is read for `openMs` and then passed to
 * `leave`. Rejects if there is no response in time.
 */
export function exchange(
  { port, hostname }: URL,
  { bytes }: WireRequest,
  openMs: number,
  leave: (socket: net.Socket) => void,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    let leaving: NodeJS.Timeout | undefined;
    const end = (reason?: string): void => {
      clearTimeout(late);
      clearTimeout(leaving);
      if (reason === LEFT) {
        leave(socket);
      } else {
        socket.destroy();
      }
      const text = Buffer.concat(chunks)
        .toString()
        .replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, '');
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd === -1 || (reason && reason !== LEFT)) {
        reject(new Error(`${reason ?? 'the connection was closed without an answer'}; so far: ${text.slice(0, 500)}`));
        return;
      }
      const [head, body] = [text.slice(0, headEnd), text.slice(headEnd + 4)];
      const whole = !/^transfer-encoding: chunked/im.test(head) || /(^|\n)0\r\n\r\n$/.test(body);
      const left = reason === LEFT;
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body, left, broken: !left && !whole });
    };
    const late = setTimeout(
      () => end(chunks.length === 0 ? 'no answer in time' : 'an answer without end'),
      RESPONSE_TIMEOUT_MS,
    );
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (!leaving && LASTS.test(chunk.toString('latin1'))) {
        leaving = setTimeout(() => end(LEFT), openMs);
      }
    });
    socket.once('close', () => end());
    // Rejected before the request was complete: the response so far counts.
    socket.once('error', () => undefined);
    socket.write(bytes);
  });
}

const LEFT = 'left';
/** Header of responses that wait for a run. */
const LASTS = /^cache-control: no-store/im;
