import { describe, expect, it } from '@jest/globals';
import { DOCUMENT } from '../parity/document.js';
import { sdkMethods } from '../parity/sdk-calls.js';
import { inSnakeCase, METHODS } from './methods.js';

const operations = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

describe('the methods of the SDKs', () => {
  it.each([
    ['1.15.0', 'langgraph-sdk-newest'],
    ['2.0.0', 'langgraph-sdk-latest-tag'],
  ])('are all in methods.json: JavaScript %s', (version, packageName) => {
    const listed = METHODS.filter(({ javascript }) => javascript?.includes(version)).map(({ method }) => method);
    const there = sdkMethods(packageName).map(({ name }) => inSnakeCase(name));
    expect(there.sort()).toEqual(listed.sort());
  });

  it.each(METHODS.filter(({ missing }) => !missing).map(({ method, requests }) => [method, requests] as const))(
    'have their routes in openapi.json: %s',
    (_, requests) => {
      expect(operations).toEqual(expect.arrayContaining(requests));
    },
  );

  it('have no route that is called missing and is there', () => {
    const missing = METHODS.filter((row) => row.missing).flatMap(({ requests }) => requests);
    expect(operations.filter((operation) => missing.includes(operation))).toEqual([]);
  });
});
