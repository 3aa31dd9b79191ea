import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { emptyFolder, type Given, load, problemsOf } from '../../test/support/config.js';
import type { CliOptions } from './cli-options.js';
import { loadConfig } from './load-config.js';

const GRAPHS = { agent: './agent.ts:graph' };
const currentFolder = process.cwd();

afterEach(() => process.chdir(currentFolder));

describe('the configuration', () => {
  it('prefers the command line to the environment', () => {
    const { server } = load({ cli: { host: '::1', port: '3000' }, env: { HOST: '0.0.0.0', PORT: '4000' } });
    expect(server).toMatchObject({ host: '::1', port: 3000, port_requested: true });
  });

  it('does not listen on all interfaces if the host is empty', () => {
    expect(load({ cli: { host: '' } }).server.host).toBe('127.0.0.1');
  });

  it.each<[CliOptions['command'], boolean | undefined, boolean, boolean]>([
    ['dev', undefined, true, false],
    ['dev', false, false, false],
    ['start', true, false, true],
    ['worker', undefined, false, true],
  ])('%s with reload %s: reloads %s, logs JSON %s', (command, requested, reload, json) => {
    const config = load({ cli: { command, reload: requested } });
    expect([config.reload, config.log.json]).toEqual([reload, json]);
  });

  it.each([
    ['/env', '/file', '/env'],
    ['', '/file/', '/file'],
    ['/', undefined, ''],
  ])('with MOUNT_PREFIX %j and mount_prefix %j is served below %j', (MOUNT_PREFIX, mount_prefix, expected) => {
    expect(load({ env: { MOUNT_PREFIX }, file: { http: { mount_prefix } } }).server.mount_prefix).toBe(expected);
  });

  it('separates the context of a graph from its config', () => {
    const LANGGRAPH_CONFIG = '{"agent": {"recursion_limit": 5, "context": {"k": 1}}, "b": {"context": null}}';
    expect(load({ env: { LANGGRAPH_CONFIG }, file: { graphs: { ...GRAPHS, b: './b.ts' } } }).graph_defaults).toEqual({
      agent: { config: { recursion_limit: 5 }, context: { k: 1 } },
      b: { config: {} },
    });
  });

  it('reads http.cors, and always exposes the headers that SDKs need', () => {
    const cors = {
      allow_origins: ['https://a.com'],
      allow_origin_regex: 'https://b',
      allow_credentials: true,
      expose_headers: ['x-mine', 'content-location'],
      max_age: 5,
    };
    expect(load({ file: { http: { cors } } }).server.cors).toMatchObject({
      allow_origins: ['https://a.com'],
      allow_origin_regex: /^(?:https:\/\/b)$/,
      allow_credentials: true,
      allow_headers: ['*'],
      expose_headers: [
        'Content-Location',
        'Location',
        'X-Pagination-Total',
        'X-Pagination-Next',
        'X-Request-Id',
        'x-mine',
      ],
      max_age: 5,
    });
  });

  it.each<[string, Given, { allow_origins: string[]; isGuarded: boolean }]>([
    ['dev', {}, { allow_origins: [], isGuarded: true }],
    ['start', { cli: { command: 'start' } }, { allow_origins: ['*'], isGuarded: false }],
    ['keys', { env: { NESTGRAPH_API_KEYS: '0123456789abcdef' } }, { allow_origins: ['*'], isGuarded: false }],
    ['an auth module', { file: { auth: { path: './a.ts:auth' } } }, { allow_origins: ['*'], isGuarded: false }],
    [
      'CORS_ALLOW_ORIGINS',
      { env: { CORS_ALLOW_ORIGINS: 'https://a.com, ,*' } },
      { allow_origins: ['https://a.com', '*'], isGuarded: true },
    ],
    [
      'a file beside it',
      { env: { CORS_ALLOW_ORIGINS: '*' }, file: { http: { cors: { allow_origins: ['https://a.com'] } } } },
      { allow_origins: ['https://a.com'], isGuarded: true },
    ],
  ])('rejects web pages of other origins in dev without auth: %s', (_, given, expected) => {
    const { cors, hosts } = load(given).server;
    expect({ allow_origins: cors.allow_origins, isGuarded: hosts !== undefined }).toEqual(expected);
  });

  it('reports problems of the file, the environment and the command line together', () => {
    const wrong = { file: { ui: 1 }, env: { LOG_JSON: 'yes', LANGGRAPH_CONFIG: 'null' }, cli: { port: 'x' } };
    expect(problemsOf(() => load(wrong))).toEqual([
      'langgraph.json: ui: expected an object, got a number',
      'LOG_JSON: expected true or false, got "yes"',
      'LANGGRAPH_CONFIG: expected a JSON object from graph id to config, got null',
      '--port: expected a whole number from 0 to 65535, got "x"',
    ]);
  });

  it('rejects a worker without slots, which would never execute a run', () => {
    const env = { N_JOBS_PER_WORKER: '0' };
    expect(problemsOf(() => load({ env, cli: { command: 'worker' } }))).toEqual([
      'N_JOBS_PER_WORKER: expected at least 1 for a worker, got 0; with 0 slots it never executes a run',
    ]);
    expect(load({ env, cli: { command: 'start' } }).queue.slots).toBe(0);
  });
});

describe('the variables of langgraph.json', () => {
  it('configure the service and are visible to graphs', () => {
    const env: NodeJS.ProcessEnv = {};
    const config = load({ env, file: { env: { DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' } } });
    expect(config.database.uri).toBe('postgres://file/d');
    expect(env).toMatchObject({ DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' });
  });

  it('make LangChain invoke callbacks in the foreground, unless the environment says otherwise', () => {
    const [env, other]: NodeJS.ProcessEnv[] = [{}, { LANGCHAIN_CALLBACKS_BACKGROUND: 'true' }];
    load({ env });
    load({ env: other });
    expect(env.LANGCHAIN_CALLBACKS_BACKGROUND).toBe('false');
    expect(other.LANGCHAIN_CALLBACKS_BACKGROUND).toBe('true');
  });

  it('set NODE_ENV to development for `dev`, unless the environment sets it', () => {
    const [dev, start, other]: NodeJS.ProcessEnv[] = [{}, {}, { NODE_ENV: 'production' }];
    load({ env: dev });
    load({ env: start, cli: { command: 'start' } });
    load({ env: other });
    expect([dev.NODE_ENV, start.NODE_ENV, other.NODE_ENV]).toEqual(['development', undefined, 'production']);
  });

  it('do not replace existing variables, even empty ones', () => {
    const env = { DATABASE_URI: '', MODEL_KEY: 'real' };
    const config = load({ env, file: { env: { DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' } } });
    expect(config.database.uri).toBeUndefined();
    expect(env.MODEL_KEY).toBe('real');
  });
});

describe('a missing langgraph.json', () => {
  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stops %s with a hint', (command) => {
    const empty = emptyFolder();
    process.chdir(empty);
    expect(problemsOf(() => loadConfig({ command }, {}))).toEqual([
      `There is no langgraph.json in ${empty}. Run the command in the folder of your project, ` +
        `or pass the path of the file: nestgraph ${command} --config path/to/langgraph.json`,
    ]);
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('is accepted for %s', (command) => {
    const empty = emptyFolder();
    process.chdir(empty);
    expect(loadConfig({ command }, {})).toMatchObject({
      config_file: undefined,
      langgraph: undefined,
      graphs: [],
      project_directory: empty,
      data_directory: join(empty, '.nestgraph'),
    });
  });

  it('stops every command if the file was requested', () => {
    const config = join(emptyFolder(), 'mine.json');
    expect(problemsOf(() => loadConfig({ command: 'migrate', config }, {}))[0]).toContain('There is no mine.json in ');
  });
});
