import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client as LatestTagClient } from 'langgraph-sdk-latest-tag';
import { Client as NewestClient } from 'langgraph-sdk-newest';
import type { ClientClass } from '../support/sdk.js';
import type { Recorded } from './recorded.js';
import { record } from './record.js';
import { sdkMethods } from './sdk-calls.js';
import { Readers } from './unread.js';

/** Streaming protocol v2: a connection of its own, not one request. */
const NO_REQUEST = ['threads.stream'];

const SDKS: [version: string, packageName: string, ClientClass][] = [
  ['1.15.0', 'langgraph-sdk-newest', NewestClient],
  ['2.0.0', 'langgraph-sdk-latest-tag', LatestTagClient as unknown as ClientClass],
];

const readers = new Readers('JavaScript');

describe.each(SDKS)('what SDK %s sends', (_, packageName, Client) => {
  const methods = sdkMethods(packageName).filter(({ name }) => !NO_REQUEST.includes(name));
  let recorded: Recorded[];

  beforeAll(async () => {
    recorded = await record(Client, methods);
  });

  it.each(methods.map(({ name }) => name))('by %s is read', (name) => {
    const requests = recorded.filter(({ by }) => by === name);
    expect(requests).not.toEqual([]);
    expect(readers.surprisesIn(requests)).toEqual([]);
  });
});

it('nothing is excused that no SDK sends any more', () => {
  expect(readers.unnecessaryExcuses()).toEqual([]);
});
