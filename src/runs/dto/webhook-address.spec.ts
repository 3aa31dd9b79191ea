import { describe, expect, it } from '@jest/globals';
import { isWebhook, loggable, MAX_WEBHOOK_LENGTH, parseWebhook } from './webhook-address.js';

describe('parseWebhook', () => {
  it.each([
    ['https://example.com', 'https://example.com/'],
    ['HTTP://Example.COM:80/Hook?a=1', 'http://example.com/Hook?a=1'],
    ['https://user:p%40ss@example.com/hook', 'https://user:p%40ss@example.com/hook'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ])('parses the URL %s', (webhook, href) => {
    const address = parseWebhook(webhook);
    expect(address && 'url' in address && address.url.href).toBe(href);
  });

  it.each([
    ['/hooks/ended', '/hooks/ended'],
    ['/hooks/ended?run=1#part', '/hooks/ended?run=1'],
    ['/hooks/../../other', '/other'],
    ['/', '/'],
  ])('parses the path %s', (webhook, path) => {
    expect(parseWebhook(webhook)).toEqual({ path });
  });

  it.each([
    '',
    'hooks/ended',
    'example.com/hook',
    'ftp://example.com/hook',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http:',
    'http://',
    'http:///example.com',
    'http:example.com',
    'http:\\\\example.com',
    'http://example.com\\@127.0.0.1/',
    '//example.com/hook',
    '/\\example.com/hook',
    '/\t/example.com/hook',
    ' https://example.com/',
    'https://exam ple.com/',
    'https://example.com/\u0000',
    'https://example.com/\r\nx: y',
    'https://256.1.1.1/',
    'https://example.com:0/',
    'https://example.com:99999/',
    'https://user:%zz@example.com/',
    `https://${'a'.repeat(254)}/`,
    `https://example.com/${'x'.repeat(MAX_WEBHOOK_LENGTH)}`,
  ])('rejects %j', (webhook) => {
    expect(parseWebhook(webhook)).toBeUndefined();
    expect(isWebhook(webhook)).toBe(false);
  });

  it.each([7, true, {}, ['https://example.com']])('accepts strings only, not %j', (value) => {
    expect(isWebhook(value)).toBe(false);
  });
});

describe('loggable', () => {
  it.each([
    ['https://user:secret@example.com:8443/secret?secret', 'https://example.com:8443'],
    ['http://example.com', 'http://example.com'],
    ['/secret', 'this server'],
  ])('%s', (webhook, expected) => {
    expect(loggable(webhook)).toBe(expected);
  });
});
