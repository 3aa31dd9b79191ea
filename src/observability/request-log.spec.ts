import { describe, expect, it } from '@jest/globals';
import { describeHeaders } from './request-log.js';

const CREDENTIALS = {
  authorization: 'Bearer hush',
  cookie: 'session=hush',
  'proxy-authorization': 'Basic hush',
  'x-api-key': 'hush',
  'x-service-key': 'hush',
  'x-auth-token': 'hush',
  'x-hub-signature': 'hush',
};

describe('the headers in the request log', () => {
  it.each([
    [['x-tenant'], [], 'x-tenant="parrots"'],
    [['X-*'], ['x-sec*'], 'x-tenant="parrots" x-text="a \\"b\\""'],
    [['*'], ['*'], ''],
    [[], [], ''],
  ])('with includes %j and excludes %j', (includes, excludes, line) => {
    const headers = { 'x-tenant': 'parrots', 'x-text': 'a "b"', 'x-second': 's', host: 'h' };
    expect(describeHeaders(headers, { includes, excludes })).toBe(line);
  });

  it.each(['*', ...Object.keys(CREDENTIALS)])('never reveal a credential that %s matches', (pattern) => {
    const line = describeHeaders(CREDENTIALS, { includes: [pattern], excludes: [] });
    expect(line).toContain('***');
    expect(line).not.toContain('hush');
  });
});
