import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { ValidationFailedError } from '../../common/index.js';
import { AnyJson, BooleanField, FreeObject, Id, Limit, ListOf, Nested, OneOf, StringField } from './fields.js';
import { FromQueryFlag, FromQueryList, FromQueryNumber, readQuery } from './query.js';
import { validateDto } from './validation.pipe.js';

class Inner {
  @StringField()
  name?: string;
}

class Body {
  @Id({ required: true })
  id: string;
  @Limit()
  limit = 10;
  @OneOf(['a', 'b'])
  letter?: string;
  @FreeObject()
  metadata?: object;
  @Nested(() => Inner)
  inner?: Inner;
  @AnyJson()
  input?: unknown;
}

class Query {
  @FromQueryNumber()
  @Limit()
  limit = 10;
  @FromQueryFlag()
  @BooleanField()
  wait = false;
  @FromQueryList()
  @ListOf(['values', 'updates'])
  modes?: string[];
}

const ID = '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5';

const pathsOf = (body: Record<string, unknown>): string[] => {
  try {
    validateDto(Body, body);
    return [];
  } catch (error) {
    return (error as ValidationFailedError).errors!.map(({ path }) => path);
  }
};

describe('validateDto', () => {
  it('drops unknown fields and does not copy values', () => {
    const input = { deep: [1] };
    const body = validateDto(Body, { id: ID, input, unknown: 1 });
    expect(body.input).toBe(input);
    expect('unknown' in body).toBe(false);
  });

  it('treats null as absent, except for fields of any JSON', () => {
    const body = validateDto(Body, { id: ID, limit: null, letter: null, inner: { name: null }, input: null });
    expect(body).toEqual({ id: ID, limit: 10, inner: {}, input: null });
    expect(Object.keys({ ...body })).not.toContain('letter');
  });

  it.each([
    [{}, ['id']],
    [{ id: 'x' }, ['id']],
    [{ id: ID, limit: 0 }, ['limit']],
    [{ id: ID, limit: '5' }, ['limit', 'limit', 'limit']],
    [{ id: ID, letter: 'c' }, ['letter']],
    [{ id: ID, inner: { name: { toString: 1 } } }, ['inner.name', 'inner.name']],
    [{ id: ID, metadata: [] }, ['metadata']],
    [{ id: ID, inner: { name: 1 } }, ['inner.name', 'inner.name']],
    [{ id: ID, inner: 'x' }, ['inner', 'inner']],
  ])('names the rejected fields of %j', (body, paths) => {
    expect(pathsOf(body)).toEqual(paths);
  });
});

describe('readQuery', () => {
  const read = (query: Record<string, unknown>): Query => validateDto(Query, readQuery(Query, query));

  it.each([[{ modes: ['values', 'updates'] }], [{ modes: '["values","updates"]' }], [{ modes: 'values,updates' }]])(
    'reads the list in %j',
    (query) => {
      expect(read(query).modes).toEqual(['values', 'updates']);
    },
  );

  it.each([
    ['true', true],
    ['1', true],
    ['YES', true],
    ['false', false],
    ['0', false],
    ['no', false],
  ])('reads the flag %s as %s', (text, value) => {
    expect(read({ wait: text }).wait).toBe(value);
  });

  it('treats an empty string as absent', () => {
    expect(read({ modes: '', limit: '', wait: '' })).toEqual({ limit: 10, wait: false });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('drops a parameter named %s', (name) => {
    expect(read(Object.fromEntries([[name, 'x']]))).toEqual({ limit: 10, wait: false });
  });

  it.each([{ limit: 'many' }, { wait: 'perhaps' }, { modes: 'everything' }, { modes: '[{"toString":1}]' }])(
    'refuses %j',
    (query) => {
      expect(() => read(query)).toThrow(ValidationFailedError);
    },
  );
});
