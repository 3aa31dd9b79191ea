import { describe, expect, it } from '@jest/globals';
import { load } from '../../test/support/config.js';

describe('the store', () => {
  const storeOf = (store: object): unknown => load({ file: { store } }).store;

  it.each([
    ['openai:text-embedding-3-small', { provider: 'openai', model: 'text-embedding-3-small' }],
    ['bedrock:amazon.titan-embed-text-v2:0', { provider: 'bedrock', model: 'amazon.titan-embed-text-v2:0' }],
    ['./e.ts:embed', { file: expect.stringMatching(/^\/.*\/e\.ts$/), export_name: 'embed' }],
    ['embed/e.mjs', { file: expect.stringMatching(/\/embed\/e\.mjs$/), export_name: 'default' }],
  ])('embeds with %s', (embed, expected) => {
    expect(storeOf({ index: { dims: 3, embed } })).toMatchObject({
      index: { dims: 3, embed: expected, fields: ['$'] },
    });
  });

  it('reads the time to live', () => {
    const ttl = { default_ttl: 5, refresh_on_read: false, sweep_interval_minutes: 1 };
    expect(storeOf({ ttl })).toEqual({
      ttl: { default_minutes: 5, refresh_on_read: false, sweep_interval_ms: 60_000 },
    });
  });

  it('does not expire items if the default is 0', () => {
    expect(storeOf({ ttl: { default_ttl: 0 } })).toMatchObject({ ttl: { default_minutes: undefined } });
  });
});
