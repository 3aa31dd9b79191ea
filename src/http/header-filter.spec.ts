import { describe, expect, it } from '@jest/globals';
import { pickHeaders } from './header-filter.js';

const HEADERS = {
  'x-tenant': 'parrots',
  'X-Colour': 'blue',
  'x-many': ['a', 'b'],
  'x-absent': undefined,
  'user-agent': 'test',
  authorization: 'Bearer secret',
  cookie: 'secret',
  'x-user-id': 'secret',
};

describe('pickHeaders', () => {
  it.each<[includes: string[], excludes: string[], names: string[]]>([
    [[], [], []],
    [['x-tenant'], [], ['x-tenant']],
    [['X-TENANT', 'x-colour'], [], ['x-tenant', 'x-colour']],
    [['x-*'], [], ['x-tenant', 'x-colour', 'x-many']],
    [['x-*'], ['x-c*'], ['x-tenant', 'x-many']],
    [['*'], [], ['x-tenant', 'x-colour', 'x-many', 'user-agent']],
    [['*'], ['*'], []],
    [['x.tenant', 'tenant', 'x-tenan'], [], []],
    [['*-agent', 'x*z'], [], ['user-agent']],
    [['authorization', 'cook*', 'x-user-id'], [], ['authorization', 'x-user-id']],
    [['authorization'], ['auth*'], []],
  ])('with includes %j and excludes %j returns %j', (includes, excludes, names) => {
    expect(Object.keys(pickHeaders(HEADERS, { includes, excludes }))).toEqual(names);
  });

  it('joins the values of a repeated header', () => {
    expect(pickHeaders(HEADERS, { includes: ['x-many', 'x-colour'], excludes: [] })).toEqual({
      'x-colour': 'blue',
      'x-many': 'a, b',
    });
  });
});
