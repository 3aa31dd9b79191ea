import { describe, expect, it } from '@jest/globals';
import { hostnameOf, isLoopback, matchesDomain } from './host-names.js';

describe('hostnameOf', () => {
  it.each([
    ['localhost', 'localhost'],
    ['LOCALHOST:2024', 'localhost'],
    ['localhost.:80', 'localhost'],
    ['127.0.0.1:2024', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['[::1]:2024', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['api.example.com:', 'api.example.com'],
    ['my_api:8123', 'my_api'],
  ])('%s', (authority, hostname) => {
    expect(hostnameOf(authority)).toBe(hostname);
  });

  it.each([
    '',
    ':80',
    '::1',
    'a b',
    'user@localhost',
    'localhost/x',
    'localhost#x',
    'localhost\\x',
    'localhost:x',
    '[::1',
  ])('returns undefined for %j', (authority) => {
    expect(hostnameOf(authority)).toBeUndefined();
  });
});

describe('isLoopback', () => {
  it.each(['localhost', '127.0.0.1', '127.255.0.9', '::1'])('%s', (hostname) => {
    expect(isLoopback(hostname)).toBe(true);
  });

  it.each(['localhost.example.com', '127.0.0.1.example.com', '128.0.0.1', '0.0.0.0', '10.0.0.1', '::', 'example.com'])(
    'not %s',
    (hostname) => {
      expect(isLoopback(hostname)).toBe(false);
    },
  );
});

describe('matchesDomain', () => {
  it.each<[string, string, boolean]>([
    ['example.com', 'example.com', true],
    ['example.com', 'example.com.', true],
    ['example.com', 'a.example.com', false],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'evilexample.com', false],
  ])('%s, %s: %s', (domain, hostname, expected) => {
    expect(matchesDomain(domain, hostname)).toBe(expected);
  });
});
