import { METHODS } from 'node:http';
import fc from 'fast-check';
import { ROUTES } from './routes.js';

/** The parts of a request in wire format. */
export interface RawRequest {
  method: string;
  target: string;
  version: string;
  headers: string[];
  body: string;
}

/** Mostly the usual value, so that the server reaches the other parts of the request. */
const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

const bytes = fc.array(fc.nat(255), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
const ID = '0192f0c1-0000-7000-8000-00000000dead';

const method = mostly(
  fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'),
  fc.oneof(fc.constantFrom(...METHODS, 'CONNECT', 'TRACE', 'TRACE', 'get', 'TRACK', 'ONOES', 'PRI', ''), bytes),
);

/** Paths of all routes, except for requests that would wait for a run. */
const path = fc.oneof(
  fc.constantFrom(...ROUTES.map((route) => route.path.replace(/\{\w+\}/g, ID))),
  fc.constantFrom(
    '/ok',
    '/info',
    '/docs',
    '/docs/swagger-ui.css',
    '/openapi.json',
    '/metrics',
    '/threads',
    '/nothing/ok',
  ),
  fc.constantFrom('/custom/hello', '/custom/echo', '/custom/nowhere', '/', '*', '', 'threads', 'host:80'),
);

const before = fc.constantFrom(
  '/',
  '//',
  '//user:password@host',
  '//[',
  '//:99999/',
  '/\\',
  '\\',
  '/docs/..',
  '/docs/%2e%2E',
  '/docs/..%2f',
  '/threads/%2f..',
  '/.',
  '/%00',
  'http://host',
  'http://user:password@host',
  'HTTPS://[::1]:99999',
  'http:',
  'http://',
  'ftp://host',
  'javascript:',
  'x'.repeat(9_000),
);
const behind = fc.constantFrom(
  '/',
  '//',
  '/..',
  '/%2e',
  '%',
  '%zz',
  '%00',
  '%ff%c0%af',
  '%E0%A4%A',
  '#',
  '#/../threads',
  '?',
  '?%',
  '?%zz=%zz',
  '?a[=&a]=1',
  '?limit=1?limit=2#x',
  '?__proto__=1&constructor[prototype]=1',
  ';a=b',
  '/ok',
  '/info',
  ' ',
  '\t',
  '\xff\xfe',
  `?${'a=1&'.repeat(3_000)}`,
);
const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''));

const targetBelow = (prefix: string): fc.Arbitrary<string> => {
  const below = mostly(path.map((text) => prefix + text), path); // prettier-ignore
  return mostly(below, fc.oneof(joined(before, below), joined(below, behind), joined(before, below, behind), bytes), 1);
};

const version = mostly(
  fc.constant('HTTP/1.1'),
  fc.constantFrom('HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/11.1', 'http/1.1', 'HTTP/1.1 ', 'ICE/1.0', ''),
  8,
);

const host = mostly(
  fc.constantFrom('Host: fuzz', 'Host: localhost:2024', 'Host: [::1]:2024', 'Host: 127.0.0.1'),
  fc.constantFrom(
    'Host:',
    'Host: a b',
    'Host: [::1',
    'Host: user:password@host',
    'Host: host:99999',
    'Host: host:',
    'Host: a/b?c#d\\e',
    'Host: %00',
    'Host: \xff',
    'Host: xn--',
    'Host: http://host/',
    `Host: ${'h'.repeat(5_000)}`,
    'Host: one\r\nHost: two',
    'X-No-Host: 1',
  ),
);

const NAMES = [
  'accept',
  'accept-encoding',
  'accept-version',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'connection',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'if-modified-since',
  'if-none-match',
  'keep-alive',
  'last-event-id',
  'origin',
  'prefer',
  'proxy-connection',
  'range',
  'sec-websocket-key',
  'te',
  'trailer',
  'upgrade',
  'x-api-key',
  'x-auth-scheme',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-http-method-override',
  'x-original-url',
  'x-request-id',
  '__proto__',
  'constructor',
  'toString',
  'na me',
  ':authority',
  '',
];
const VALUES = [
  '',
  ',',
  ',,;=,',
  '"',
  '*/*;q=',
  '100-continue',
  'the-unexpected',
  'application/json',
  'application/json; charset="',
  'multipart/form-data',
  'text/event-stream',
  'gzip, br;q=nothing',
  'Basic Og==',
  'Bearer ',
  'Bearer broken',
  'langsmith',
  'websocket',
  'h2c',
  'keep-alive, upgrade',
  'close, close',
  'bytes=0-,-1,9-1',
  'bytes=99999999999999999999-',
  'Thu, 99 Foo 0000 99:99:99 GMT',
  'null',
  'http://a b',
  'https://user:password@[::1',
  'for="[::',
  '999.999.999.999, ::ffff:0:0:0, unknown',
  'javascript:alert(1)',
  '/admin',
  'return=minimal',
  '-1',
  '99999999999999999999999',
  '\x01\x7f',
  '\xff\xfe\x80',
  'a\r\n folded',
  'a\rb',
  'x'.repeat(9_000),
];
const header = fc
  .tuple(
    fc.constantFrom(...NAMES),
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: bytes }),
  )
  .map(([name, value]) => `${name}: ${value}`);

/** The framing headers and the body. */
const framed: fc.Arbitrary<[string[], string]> = fc.constantFrom<[string[], string]>(
  [['content-length: 2'], '{}'],
  [['content-length: 17'], '{"metadata": {}}\n'],
  [['content-length: 9'], '{}'],
  [['content-length: 1'], '{}'],
  [['content-length: -1'], '{}'],
  [['content-length: 2, 2'], '{}'],
  [['content-length: 2', 'content-length: 3'], '{}'],
  [['content-length: 99999999999999999999'], '{}'],
  [['content-length: 0x2'], '{}'],
  [['transfer-encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  [['transfer-encoding: chunked'], '2;a="\r\n{}\r\n0\r\nx-trailer: 1\r\n\r\n'],
  [['transfer-encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'],
  [['transfer-encoding: chunked'], 'ffffffffffffffff\r\n{}\r\n'],
  [['transfer-encoding: chunked'], '2\r\n{}'],
  [['transfer-encoding: chunked', 'content-length: 2'], '2\r\n{}\r\n0\r\n\r\n'],
  [['transfer-encoding: gzip, chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  [['transfer-encoding: identity'], '{}'],
  [['transfer-encoding: chunked, identity'], '{}'],
  [['Transfer-Encoding : chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  [['content-length: 2', 'content-encoding: gzip'], '\x1f\x8b'],
  [['content-length: 2', 'content-type: application/json'], '\xff\xfe'],
);

/**
 * Requests with a few hostile places in line, headers and framing. Routes are below `prefix`; with `key` most of them have a
 * known caller.
 */
export const rawRequest = ({ key, prefix }: { key: string; prefix: string }): fc.Arbitrary<RawRequest> =>
  fc
    .record({
      method,
      target: targetBelow(prefix),
      version,
      host,
      known: mostly(fc.constant<string[]>([`x-api-key: ${key}`]), fc.constant<string[]>([]), 2),
      more: fc.array(header, { maxLength: 4 }),
      framed: mostly(fc.constant<[string[], string]>([[], '']), framed, 1),
    })
    .map(({ method, target, version, host, known, more, framed: [framing, body] }) => ({
      method,
      target,
      version,
      headers: [host, ...known, ...more, ...framing],
      body,
    }));

export const toBytes = ({ method, target, version, headers, body }: RawRequest): Buffer =>
  Buffer.from(`${method} ${target} ${version}\r\n${headers.join('\r\n')}\r\n\r\n${body}`, 'latin1');
