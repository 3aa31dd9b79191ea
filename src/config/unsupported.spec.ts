import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load, problemsOf } from '../../test/support/config.js';
import { ConfigError } from './config.errors.js';
import type { CliOptions, Command } from './cli-options.js';
import { loadConfig } from './load-config.js';

/** What comes to light when a command reads this environment, beside a langgraph.json. */
function read(env: NodeJS.ProcessEnv, { file = {}, command = 'start' }: { file?: object; command?: Command } = {}) {
  const config = join(mkdtempSync(join(tmpdir(), 'config-')), 'langgraph.json');
  writeFileSync(config, JSON.stringify({ graphs: { agent: './agent.ts:graph' }, ...file }));
  try {
    return { problems: [], warnings: loadConfig({ command, config }, { ...env }).warnings };
  } catch (error) {
    return { problems: (error as ConfigError).problems, warnings: [] };
  }
}

const NOTHING = { problems: [], warnings: [] };

describe('encryption by the variables of the official server', () => {
  const NAMES = [
    'LANGGRAPH_AES_KEY',
    'LANGGRAPH_AES_JSON_KEYS',
    'LANGGRAPH_AES_LEGACY_KEY',
    'LANGGRAPH_AES_FALLBACK_KEYS',
    'LANGGRAPH_ENCRYPTION',
  ];

  it.each(NAMES)('stops the start without repeating its value: %s', (name) => {
    const { problems } = read({ [name]: '0123456789abcdef' });
    expect(problems).toEqual([
      `${name}: encryption is not supported by this version yet; data would be stored as plain text. ` +
        `Encrypt the disk of the database, then remove ${name}`,
    ]);
  });

  it('stops the start, too, when it comes from langgraph.json', () => {
    expect(read({}, { file: { env: { LANGGRAPH_AES_KEY: '0123456789abcdef' } } }).problems).toHaveLength(1);
  });

  it.each<Command>(['dev', 'start', 'worker'])('stops %s', (command) => {
    expect(read({ LANGGRAPH_AES_KEY: '0123456789abcdef' }, { command }).problems).toHaveLength(1);
  });

  it.each<Command>(['migrate', 'openapi'])('is ignored by %s, which stores nothing', (command) => {
    expect(read({ LANGGRAPH_AES_KEY: '0123456789abcdef' }, { command })).toEqual(NOTHING);
  });

  it.each(['', ' ', 'null', '{}'])('is not requested by %j', (value) => {
    expect(read({ LANGGRAPH_AES_KEY: value, LANGGRAPH_ENCRYPTION: value })).toEqual(NOTHING);
  });
});

describe('authentication by the variables of the official server', () => {
  const AUTH = { path: './auth.ts:auth' };
  const KEYS = { NESTGRAPH_API_KEYS: 'alice:0123456789abcdef' };
  const JWT = { NESTGRAPH_JWT_ISSUER: 'https://login.example.com', NESTGRAPH_JWT_AUDIENCE: 'us' };
  const reason = 'is not read by this server, which would accept every caller. Set "auth" in langgraph.json, ';

  it.each<NodeJS.ProcessEnv>([
    { LANGGRAPH_AUTH: JSON.stringify(AUTH) },
    { LANGGRAPH_AUTH_TYPE: 'langsmith' },
    { LANGGRAPH_AUTH_TYPE: 'custom' },
  ])('stops a start that would accept every caller: %j', (env) => {
    const [name] = Object.keys(env);
    expect(read(env).problems).toEqual([`${name}: ${reason}NESTGRAPH_API_KEYS or NESTGRAPH_JWT_ISSUER`]);
  });

  it.each<[string, NodeJS.ProcessEnv, object]>([
    ['an auth module decides', {}, { auth: AUTH }],
    ['callers need keys', KEYS, {}],
    ['callers need tokens', JWT, {}],
  ])('is accepted where %s', (_, env, file) => {
    const official = { LANGGRAPH_AUTH: JSON.stringify(AUTH), LANGGRAPH_AUTH_TYPE: 'custom' };
    expect(read({ ...official, ...env }, { file })).toEqual(NOTHING);
  });

  it.each([{ LANGGRAPH_AUTH_TYPE: 'noop' }, { LANGGRAPH_AUTH_TYPE: '' }, { LANGGRAPH_AUTH: '{}' }])(
    'is not meant by %j',
    (env) => {
      expect(read(env)).toEqual(NOTHING);
    },
  );

  it('is ignored by a worker, which has no callers', () => {
    expect(read({ LANGGRAPH_AUTH_TYPE: 'langsmith' }, { command: 'worker' })).toEqual(NOTHING);
  });
});

describe('blocks of langgraph.json that images pass as variables', () => {
  it.each([
    ['LANGGRAPH_HTTP', 'http', { disable_store: true }],
    ['LANGGRAPH_WEBHOOKS', 'webhooks', { url: { require_https: true } }],
  ])('%s stops the start unless the file has "%s"', (name, block, value) => {
    const env = { [name]: JSON.stringify(value) };
    expect(read(env).problems).toEqual([
      `${name}: is not read by this server. Write it into langgraph.json as "${block}", then remove it`,
    ]);
    expect(read(env, { file: { [block]: value } })).toEqual(NOTHING);
  });
});

describe('another database', () => {
  it.each(['POSTGRES_URI', 'POSTGRES_URI_CUSTOM'])('causes a warning: %s', (name) => {
    const env = { [name]: 'postgres://u:secret@h/d' };
    expect(read(env).warnings).toEqual([
      `${name} is not read by this server, which uses its embedded database; set DATABASE_URI`,
    ]);
    expect(read({ ...env, DATABASE_URI: 'postgres://h/d' }).warnings).toEqual([]);
  });
});

describe('an unsupported setting', () => {
  const file = { encryption: { path: './e.ts:encryption' } };

  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stops %s if it protects data', (command) => {
    const problems = problemsOf(() => load({ file, cli: { command } }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^langgraph\.json: encryption\.path: encryption is not supported by this version yet; /,
    );
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('is ignored by %s, which serves nothing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['store.path', { store: { path: './s.ts:store' } }],
    ['checkpointer.path', { checkpointer: { path: './c.ts:saver' } }],
    ['checkpointer.serde', { checkpointer: { serde: { pickle_fallback: true } } }],
    ['ui', { ui: { agent: './ui.tsx' } }],
    ['ui_config', { ui_config: { shared: ['react'] } }],
  ])('is reported in a warning: %s', (path, file) => {
    expect(load({ file }).warnings).toEqual([
      `langgraph.json: ${path} is not supported by this version yet; it is ignored`,
    ]);
  });

  it('warns about unused variables and about defaults for unknown graphs', () => {
    const env = {
      REDIS_URI: 'redis://h',
      LANGGRAPH_CONFIG: '{"agnet": {}, "agent": {}}',
    };
    expect(load({ env }).warnings).toEqual([
      'REDIS_URI is used only for rate limits (NESTGRAPH_RATE_LIMIT_PER_MINUTE)',
      'LANGGRAPH_CONFIG: unknown graph "agnet"; its defaults are ignored',
    ]);
  });

  it.each([{ http: { disable_runs: false } }, { nest: { modules: [] } }, { ui: {} }])(
    'is not mentioned if nothing is requested: %j',
    (file) => {
      expect(load({ file }).warnings).toEqual([]);
    },
  );
});
