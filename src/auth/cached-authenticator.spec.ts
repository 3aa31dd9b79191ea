import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { UnauthenticatedError } from './auth.errors.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';
import { CachedAuthenticator } from './cached-authenticator.js';
import { StudioAuth } from './studio-auth.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});

type Handler = (request: Request) => unknown;

/** Counts how often the handler is called. */
function counted(handler: Handler): Authenticator & { calls: number } {
  const authenticator = {
    calls: 0,
    authenticate: async (request: Request): Promise<AuthUser> => {
      authenticator.calls += 1;
      return toUser(await handler(request));
    },
  };
  return authenticator;
}

const SETTINGS = { headers: ['Authorization', 'x-api-key', 'cookie'], ttl_ms: 60_000, max_size: 100 };

const request = (headers: Record<string, string>, url = 'http://h/threads', method = 'GET'): Request =>
  new Request(url, { headers, method });

/** The identities of the requests, one after the other; `refused` for a rejected one. */
async function identities(authenticator: Authenticator, requests: Request[]): Promise<string[]> {
  const found: string[] = [];
  for (const one of requests) {
    found.push(
      await authenticator.authenticate(one).then(
        ({ identity }) => identity,
        () => 'refused',
      ),
    );
  }
  return found;
}

const byToken: Handler = ({ headers }) => {
  const token = headers.get('authorization');
  if (token === 'bad') {
    throw new UnauthenticatedError();
  }
  return token;
};

describe('the user cache', () => {
  it('calls the authenticator once for the same credentials', async () => {
    const inner = counted(byToken);
    const cache = new CachedAuthenticator(inner, SETTINGS);
    const alice = (): Request => request({ authorization: 'alice', 'x-other': String(Math.random()) });
    expect(await identities(cache, [alice(), alice(), request({ authorization: 'bob' }), alice()])).toEqual([
      'alice',
      'alice',
      'bob',
      'alice',
    ]);
    expect(inner.calls).toBe(2);
  });

  it('does not cache rejections', async () => {
    const inner = counted(byToken);
    const cache = new CachedAuthenticator(inner, SETTINGS);
    const bad = (): Request => request({ authorization: 'bad' });
    expect(await identities(cache, [bad(), bad()])).toEqual(['refused', 'refused']);
    expect(inner.calls).toBe(2);
  });

  it('does not cache a caller without credentials', async () => {
    const inner = counted(() => 'guest');
    await identities(new CachedAuthenticator(inner, SETTINGS), [request({}), request({})]);
    expect(inner.calls).toBe(2);
  });

  it('expires entries after their TTL, and evicts the oldest one when it is full', async () => {
    const [late, small] = [counted(byToken), counted(byToken)];
    const [alice, bob] = ['alice', 'bob'].map((authorization) => () => request({ authorization }));
    await identities(new CachedAuthenticator(late, { ...SETTINGS, ttl_ms: 0 }), [alice(), alice()]);
    await identities(new CachedAuthenticator(small, { ...SETTINGS, max_size: 1 }), [alice(), bob(), bob(), alice()]);
    expect([late.calls, small.calls]).toEqual([2, 3]);
  });
});

const CASES: [string, Handler, Request[], string[]][] = [
  [
    'another header',
    ({ headers }) => `${headers.get('authorization')} of ${headers.get('X-Tenant')}`,
    ['a', 'b', 'a'].map((tenant) => request({ authorization: 'alice', 'x-tenant': tenant })),
    ['alice of a', 'alice of b', 'alice of a'],
  ],
  [
    'whether a header exists',
    ({ headers }) => (headers.has('x-admin') ? 'admin' : 'user'),
    [request({ authorization: 'alice' }), request({ authorization: 'alice', 'x-admin': '' })],
    ['user', 'admin'],
  ],
  [
    'every header',
    ({ headers }) => [...headers].map(([name, value]) => `${name}=${value}`).join(),
    ['1', '2', '1'].map((value) => request({ authorization: 'alice', 'x-some': value })),
    ['authorization=alice,x-some=1', 'authorization=alice,x-some=2', 'authorization=alice,x-some=1'],
  ],
  [
    'headers passed to another library',
    ({ headers }) => new Headers(headers).get('x-some'),
    ['1', '2'].map((value) => request({ authorization: 'alice', 'x-some': value })),
    ['1', '2'],
  ],
  [
    'a copy of the request',
    (given) => given.clone().headers.get('x-some'),
    ['1', '2'].map((value) => request({ authorization: 'alice', 'x-some': value })),
    ['1', '2'],
  ],
  [
    'a request made of the request',
    (given) => new Request(given).headers.get('x-some'),
    ['1', '2'].map((value) => request({ authorization: 'alice', 'x-some': value })),
    ['1', '2'],
  ],
  [
    'the URL',
    ({ url }) => new URL(url).pathname,
    ['http://h/a', 'http://h/b'].map((url) => request({ authorization: 'alice' }, url)),
    ['/a', '/b'],
  ],
  [
    'the method',
    ({ method }) => method,
    ['GET', 'POST'].map((method) => request({ authorization: 'alice' }, undefined, method)),
    ['GET', 'POST'],
  ],
  [
    'a header, on some requests only',
    ({ headers }) => (headers.get('authorization') === 'alice' ? 'alice' : headers.get('x-tenant')),
    [
      request({ authorization: 'alice', 'x-tenant': 'a' }),
      request({ authorization: 'key', 'x-tenant': 'a' }),
      request({ authorization: 'key', 'x-tenant': 'b' }),
      request({ authorization: 'alice', 'x-tenant': 'b' }),
    ],
    ['alice', 'a', 'b', 'alice'],
  ],
];

describe('the cache key includes everything that the decision depends on:', () => {
  it.each(CASES)('%s', async (_, handler, requests, expected) => {
    expect(await identities(new CachedAuthenticator(counted(handler), SETTINGS), requests)).toEqual(expected);
  });

  it('any number of headers, and an identical request still hits the cache', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `x-${at}`);
    const inner = counted(({ headers }) => names.map((name) => headers.get(name)).join());
    const cache = new CachedAuthenticator(inner, SETTINGS);
    const given = (value: string): Request => request({ authorization: 'alice', 'x-59': value });
    const [a, b, again] = await identities(cache, [given('a'), given('b'), given('a')]);
    expect([a.at(-1), b.at(-1), again.at(-1)]).toEqual(['a', 'b', 'a']);
    expect(inner.calls).toBe(2);
  });

  it('and the handler still gets a Request that other libraries accept', async () => {
    const cache = new CachedAuthenticator(
      counted((given) => {
        expect(given).toBeInstanceOf(Request);
        expect(given.headers).toBeInstanceOf(Headers);
        return new Request('http://other/', { headers: given.headers }).headers.get('authorization');
      }),
      SETTINGS,
    );
    expect(await identities(cache, [request({ authorization: 'alice' })])).toEqual(['alice']);
  });
});

describe('a cached user', () => {
  it('is not the object that an earlier request got', async () => {
    const inner = counted(({ headers }) => ({ identity: headers.get('authorization'), permissions: ['read'] }));
    const cache = new CachedAuthenticator(inner, SETTINGS);
    for (let turn = 0; turn < 3; turn += 1) {
      const user = await cache.authenticate(request({ authorization: 'alice' }));
      expect(user).toMatchObject({ identity: 'alice', permissions: ['read'] });
      user.identity = 'admin';
      user.permissions.push('write');
    }
    expect(inner.calls).toBe(1);
  });
});

describe("Studio's header", () => {
  const STUDIO = { 'x-auth-scheme': 'langsmith' };
  const studio = 'langgraph-studio-user';

  it('neither fills nor reads the cache', async () => {
    const authenticator = new StudioAuth(new CachedAuthenticator(counted(byToken), SETTINGS));
    const requests = [
      request({ authorization: 'bad', ...STUDIO }),
      request({ authorization: 'bad' }),
      request({ authorization: 'alice', ...STUDIO }),
      request({ authorization: 'alice' }),
      request({ authorization: 'alice', ...STUDIO }),
    ];
    expect(await identities(authenticator, requests)).toEqual([studio, 'refused', studio, 'alice', studio]);
  });

  it('gives every request its own user object', async () => {
    const authenticator = new StudioAuth(counted(byToken));
    (await authenticator.authenticate(request(STUDIO))).permissions.push('everything');
    expect(await authenticator.authenticate(request(STUDIO))).toMatchObject({ permissions: [] });
  });
});
