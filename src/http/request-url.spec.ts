import { describe, expect, it } from '@jest/globals';
import { canonicalTarget, requestUrl } from './request-url.js';

describe('the target of a request', () => {
  it.each([
    ['/threads?limit=1', '/threads?limit=1'],
    ['/docs/../threads', '/threads'],
    ['/docs/%2e%2E/threads?a=..', '/threads?a=..'],
    ['/docs/.%2e/./threads/', '/threads/'],
    ['/docs\\..\\threads', '/threads'],
    ['/../../ok', '/ok'],
    ['/ok#/../threads', '/ok'],
    ['/ok/..;/threads', '/ok/..;/threads'],
    ['/a%2f..%2fb', '/a%2f..%2fb'],
    ['/%zz%', '/%zz%'],
    ['//user:pw@host/ok', '//user:pw@host/ok'],
    ['//[', '//['],
    ['http://other/ok?a', '/ok?a'],
    ['HTTPS://user:pw@other:99999/threads', '/threads'],
    ['http://other', '/'],
    ['http://other?a=1', '/?a=1'],
    ['http:\\\\other\\ok', 'http:\\\\other\\ok'],
    ['ftp://other/ok', 'ftp://other/ok'],
    ['*', '*'],
    ['', ''],
  ])('%j has the canonical form %j', (target, spelling) => {
    expect(canonicalTarget(target)).toBe(spelling);
    expect(canonicalTarget(spelling)).toBe(spelling);
  });
});

describe('the address of a request', () => {
  const addressOf = (host: string, path: string, protocol = 'http'): string =>
    requestUrl({ protocol: protocol as 'http', host }, path).href;

  it.each([
    ['h', '/ok', 'http://h/ok'],
    ['h:2024', '/ok?a=1', 'http://h:2024/ok?a=1'],
    ['[::1]:2024', '/ok', 'http://[::1]:2024/ok'],
    ['my_host.example', '/ok', 'http://my_host.example/ok'],
  ])('has the host and the path of the request: %j %j', (host, path, address) => {
    expect(addressOf(host, path)).toBe(address);
  });

  it.each(['', 'a b', '[::1', 'user:pw@host', 'h:99999', 'h:', 'a/b', 'a#b', '1.2.3.4.5', '%41', '[]', 'h, g'])(
    'has a host of its own where %j is none',
    (host) => {
      expect(addressOf(host, '/ok')).toBe('http://localhost/ok');
    },
  );

  it.each([
    ['//user:pw@host/ok', 'http://h//user:pw@host/ok'],
    ['//[', 'http://h//['],
    ['*', 'http://h/*'],
    ['ftp://other/ok', 'http://h/ftp://other/ok'],
  ])('treats %j as a path', (path, address) => {
    expect(addressOf('h', path)).toBe(address);
    expect(() => new Request(addressOf('h', path))).not.toThrow();
  });

  it('is http or https, regardless of the proxy', () => {
    expect(addressOf('h', '/ok', 'https')).toBe('https://h/ok');
    expect(addressOf('h', '/ok', 'javascript:')).toBe('http://h/ok');
  });
});
