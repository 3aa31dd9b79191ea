import { describe, expect, it } from '@jest/globals';
import { load } from '../../test/support/config.js';
import type { NestgraphConfig } from './config.js';

describe('LangSmith', () => {
  it.each<[NodeJS.ProcessEnv, NestgraphConfig['langsmith']]>([
    [{}, undefined],
    [{ LANGSMITH_TRACING: 'true', LANGSMITH_ENDPOINT: 'http://h' }, undefined],
    [{ LANGSMITH_API_KEY: 'k' }, { api_key: 'k' }],
    [
      { LANGCHAIN_API_KEY: 'k', LANGCHAIN_ENDPOINT: 'http://h' },
      { api_key: 'k', endpoint: 'http://h' },
    ],
    [
      {
        LANGSMITH_API_KEY: 'new',
        LANGCHAIN_API_KEY: 'old',
        LANGSMITH_ENDPOINT: 'http://new',
        LANGCHAIN_ENDPOINT: 'http://old',
      },
      { api_key: 'new', endpoint: 'http://new' },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: 'true' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING_V2: 'true' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGCHAIN_TRACING: 'true', LANGSMITH_TRACING: 'false' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGCHAIN_TRACING_V2: 'false' },
      { api_key: 'k', tracing: false },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: '1' },
      { api_key: 'k', tracing: false },
    ],
  ])('is configured by %j', (env, expected) => {
    expect(load({ env }).langsmith).toEqual(expected);
  });

  it('is configured by the env of langgraph.json, too', () => {
    const file = { env: { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: true } };
    expect(load({ file }).langsmith).toEqual({ api_key: 'k', tracing: true });
  });
});
