import { describe, expect, it } from '@jest/globals';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { assertSupported, prepareRun, type RunSettings } from './run-request.js';

const settings = (overrides: { assistant?: object; thread?: object; body?: Partial<RunCreate> } = {}): RunSettings => ({
  run_id: 'run',
  thread_id: 'thread',
  assistant: {
    assistant_id: 'assistant',
    graph_id: 'graph',
    config: {},
    context: {},
    metadata: {},
    ...overrides.assistant,
  },
  thread: { config: {}, metadata: {}, ...overrides.thread },
  body: { assistant_id: 'graph', ...overrides.body },
  temporary: false,
});

describe('prepareRun', () => {
  it('merges configurable key by key: assistant, thread, request, then the keys of the server', () => {
    const { kwargs } = prepareRun(
      settings({
        assistant: { config: { configurable: { a: 1, b: 1, c: 1, graph_id: 'lie' } } },
        thread: { config: { configurable: { b: 2, c: 2 } } },
        body: { config: { configurable: { c: 3, run_id: 'lie' } } },
      }),
    );
    expect(kwargs.config.configurable).toEqual({
      a: 1,
      b: 2,
      c: 3,
      run_id: 'run',
      thread_id: 'thread',
      graph_id: 'graph',
      assistant_id: 'assistant',
    });
  });

  it('replaces other keys of the assistant config with those of the request, and ignores those of the thread', () => {
    const { kwargs } = prepareRun(
      settings({
        assistant: { config: { tags: ['a'], recursion_limit: 7 } },
        thread: { config: { recursion_limit: 9 } },
        body: { config: { tags: ['b'] } },
      }),
    );
    expect(kwargs.config).toMatchObject({ tags: ['b'], recursion_limit: 7 });
  });

  it('shows context under configurable, and configurable as context when there is no context', () => {
    const given = prepareRun(settings({ assistant: { context: { a: 1, b: 1 } }, body: { context: { b: 2 } } }));
    expect(given.kwargs.context).toEqual({ a: 1, b: 2 });
    expect(given.kwargs.config.configurable).toMatchObject({ a: 1, b: 2 });
    const absent = prepareRun(settings({ body: { config: { configurable: { model: 'x', thread_id: 'lie' } } } }));
    expect(absent.kwargs.context).toEqual({ model: 'x' });
  });

  it('prefers context over configurable for the same key', () => {
    const { kwargs } = prepareRun(
      settings({ body: { context: { m: 'ctx' }, config: { configurable: { m: 'cfg' } } } }),
    );
    expect(kwargs.config.configurable.m).toBe('ctx');
  });

  it('accepts neither an identity nor an internal LangGraph key from a client', () => {
    const configurable = {
      langgraph_auth_user: { identity: 'root' },
      langgraph_auth_user_id: 'root',
      __pregel_resuming: true,
    };
    const { kwargs, thread_config } = prepareRun(settings({ body: { config: { configurable } } }));
    expect(JSON.stringify([kwargs, thread_config])).not.toMatch(/root|__pregel/);
    const throughContext = prepareRun(
      settings({ body: { context: { ...configurable, checkpoint_id: 'c', thread_id: 't' } } }),
    );
    const { run_id, graph_id, assistant_id, thread_id, ...rest } = throughContext.kwargs.config.configurable;
    expect([run_id, graph_id, assistant_id, thread_id, rest]).toEqual(['run', 'graph', 'assistant', 'thread', {}]);
  });

  it('stores on the thread what later runs inherit, without keys that belong to one run', () => {
    const { thread_config } = prepareRun(
      settings({
        body: {
          config: { tags: ['t'], metadata: { secret: 1 }, configurable: { user_id: 'u', checkpoint_id: 'c1' } },
          checkpoint_id: 'c2',
        },
      }),
    );
    expect(thread_config).toEqual({ tags: ['t'], configurable: { user_id: 'u' } });
  });

  it.each([
    [{ checkpoint_id: 'id' }, { checkpoint_id: 'id' }],
    [{ checkpoint: { checkpoint_id: 'object' }, checkpoint_id: 'id' }, { checkpoint_id: 'object' }],
    [{ checkpoint: { checkpoint_ns: 'child:1', checkpoint_id: null } }, { checkpoint_ns: 'child:1' }],
    [{ config: { configurable: { checkpoint_id: 'config' } } }, { checkpoint_id: 'config' }],
  ])('starts from the checkpoint that %j names', (body, expected) => {
    const { configurable } = prepareRun(settings({ body: body as Partial<RunCreate> })).kwargs.config;
    const { checkpoint_id, checkpoint_ns } = configurable;
    expect({ ...(checkpoint_id ? { checkpoint_id } : {}), ...(checkpoint_ns ? { checkpoint_ns } : {}) }).toEqual(
      expected,
    );
  });

  it('sets cron_id for a run of a cron, ignores it from clients and threads, and does not pass it to later runs', () => {
    const lie = { metadata: { cron_id: 'lie' }, config: { configurable: { cron_id: 'lie' } } };
    const scheduled = prepareRun({ ...settings({ thread: lie, body: lie }), cron_id: 'cron' });
    expect(scheduled.kwargs.config.configurable).toMatchObject({ cron_id: 'cron' });
    expect(scheduled.metadata).toMatchObject({ cron_id: 'cron' });
    const other = prepareRun(settings({ thread: lie }));
    expect(other.metadata).not.toHaveProperty('cron_id');
    for (const { kwargs, thread_config } of [scheduled, other]) {
      expect(thread_config.configurable).not.toHaveProperty('cron_id');
      expect(kwargs.config.configurable.cron_id).not.toBe('lie');
    }
  });

  it('merges metadata and keeps the real value of reserved names', () => {
    const { metadata } = prepareRun(
      settings({
        assistant: { metadata: { a: 1, b: 1, created_by: 'system' } },
        thread: { metadata: { b: 2, c: 2, graph_id: 'old' } },
        body: { metadata: { c: 3, run_id: 'lie', assistant_id: 'lie' } },
      }),
    );
    expect(metadata).toEqual({
      a: 1,
      b: 2,
      c: 3,
      created_by: 'system',
      run_id: 'run',
      graph_id: 'graph',
      assistant_id: 'assistant',
    });
  });

  it.each([
    [{}, 'async'],
    [{ durability: 'sync' }, 'sync'],
    [{ checkpoint_during: false }, 'exit'],
    [{ checkpoint_during: true }, 'async'],
    [{ checkpoint_during: false, durability: 'sync' }, 'sync'],
  ])('reads durability from %j', (body, durability) => {
    expect(prepareRun(settings({ body: body as Partial<RunCreate> })).kwargs.durability).toBe(durability);
  });

  it.each([
    [undefined, ['values']],
    [[], ['values']],
    ['updates', ['updates']],
    [
      ['messages', 'custom'],
      ['messages', 'custom'],
    ],
  ])('streams, for stream_mode %j, %j', (stream_mode, expected) => {
    expect(prepareRun(settings({ body: { stream_mode } as Partial<RunCreate> })).kwargs.stream_mode).toEqual(expected);
  });

  it('keeps the webhook unchanged', () => {
    const webhook = 'HTTPS://user:secret@Example.com/hook#part';
    expect(prepareRun(settings({ body: { webhook } })).kwargs.webhook).toBe(webhook);
    expect('webhook' in prepareRun(settings()).kwargs).toBe(false);
  });

  it('passes the LangSmith project and example to the tracer, for this run only', () => {
    const langsmith_tracer = { project_name: 'experiment', example_id: 'example' };
    const { kwargs, thread_config } = prepareRun(
      settings({ body: { langsmith_tracer, config: { configurable: { langsmith_project: 'mine' } } } }),
    );
    expect(kwargs.config.configurable).toMatchObject({
      langsmith_project: 'experiment',
      langsmith_example_id: 'example',
    });
    expect(kwargs.context).toEqual({ langsmith_project: 'mine' });
    expect(thread_config).toEqual({ configurable: { langsmith_project: 'mine' } });
  });

  it('keeps feedback_keys and strict_resume only when they are set', () => {
    const body = { feedback_keys: ['score'], strict_resume: true };
    expect(prepareRun(settings({ body })).kwargs).toMatchObject(body);
    const { kwargs } = prepareRun(settings({ body: { feedback_keys: [], strict_resume: false } }));
    expect(kwargs).not.toHaveProperty('feedback_keys');
    expect(kwargs).not.toHaveProperty('strict_resume');
  });

  it('distinguishes a null input, which resumes the graph, from a missing one', () => {
    expect('input' in prepareRun(settings({ body: { input: null } })).kwargs).toBe(true);
    expect('input' in prepareRun(settings()).kwargs).toBe(false);
  });
});

describe('assertSupported', () => {
  const KEY = { langsmith: { api_key: 'k' } };
  const TRACING = { langsmith: { api_key: 'k', tracing: true } };

  it.each([
    ['feedback_keys', ['score'], {}],
    ['langsmith_tracer', { project_name: 'p' }, KEY],
    ['langsmith_tracer', { example_id: 'e' }, {}],
  ])('rejects %s %j with %j instead of ignoring it', (name, value, config) => {
    expect(() => assertSupported({ assistant_id: 'a', [name]: value }, config)).toThrow(name);
  });

  it.each([
    ['feedback_keys', ['score'], KEY],
    ['langsmith_tracer', { project_name: 'p' }, TRACING],
    ['strict_resume', true, {}],
  ])('accepts %s %j with %j', (name, value, config) => {
    expect(() => assertSupported({ assistant_id: 'a', [name]: value }, config)).not.toThrow();
  });

  it('accepts the same parameters when they request nothing', () => {
    const nothing = { feedback_keys: [], langsmith_tracer: {}, strict_resume: false };
    expect(() => assertSupported({ assistant_id: 'a', ...nothing, multitask_strategy: 'enqueue' }, {})).not.toThrow();
  });
});
