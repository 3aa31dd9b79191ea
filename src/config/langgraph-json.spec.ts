import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Findings } from './findings.js';
import { LANGGRAPH_JSON, splitReference } from './langgraph-json.schema.js';
import { checkPythonGraphs, readEnv, readLanggraphJson, resolveGraphs } from './langgraph-json.js';
import { readInto } from './read-value.js';

const GRAPHS = { agent: './agent.ts:graph' };

function parse(value: Record<string, unknown>) {
  const findings = new Findings();
  const settings = readInto(LANGGRAPH_JSON, { graphs: GRAPHS, ...value }, findings);
  return { settings, problems: findings.problems, warnings: findings.warnings };
}

function readFile(content: string) {
  const file = join(mkdtempSync(join(tmpdir(), 'langgraph-json-')), 'langgraph.json');
  writeFileSync(file, content);
  const findings = new Findings();
  return { file, settings: readLanggraphJson(file, findings), findings };
}

describe('a path:export string', () => {
  it.each([
    ['./agent.ts:graph', './agent.ts', 'graph'],
    ['./agent.ts', './agent.ts', 'default'],
    ['C:\\x.ts:graph', 'C:\\x.ts', 'graph'],
    ['C:\\x.ts', 'C:\\x.ts', 'default'],
    ['c:/x.ts', 'c:/x.ts', 'default'],
    ['a:graph', 'a', 'graph'],
    ['./a:b/c.ts:größe', './a:b/c.ts', 'größe'],
  ])('%s is split at its last colon', (source, path, export_name) => {
    expect(splitReference(source)).toEqual({ path, export_name });
  });

  it.each(['', ' ', ':graph', './agent.ts:', './agent.ts:my-graph', 'http://host/agent.ts'])(
    '%j is refused',
    (text) => {
      expect(splitReference(text)).toBeUndefined();
    },
  );
});

describe('langgraph.json', () => {
  it('may use every key of the official format without a problem or a warning', () => {
    const ttl = { default_ttl: 60, sweep_interval_minutes: 10 };
    const security = [{ OAuth2: ['me'] }];
    const { problems, warnings } = parse({
      graphs: { a: './a.ts', b: { path: './b.ts:b', description: 'B' }, c: { path: './c.ts:c', description: null } },
      env: '.env',
      auth: {
        path: './auth.ts:auth',
        disable_studio_auth: true,
        openapi: { security, securitySchemes: { OAuth2: { type: 'oauth2' } }, paths: { '/x': { GET: security } } },
        cache: { cache_keys: ['authorization'], ttl_seconds: 60, max_size: 10 },
      },
      http: {
        app: './app.ts:app',
        mount_prefix: '/api',
        cors: {
          allow_origins: ['https://a.com'],
          allow_origin_regex: 'https://.*',
          allow_methods: ['GET'],
          allow_headers: ['x-a'],
          allow_credentials: true,
          expose_headers: ['x-b'],
          max_age: 5,
        },
        configurable_headers: { includes: ['x-*'], excludes: ['x-secret'] },
        logging_headers: { include: ['x-*'], exclude: ['x-secret'] },
        disable_assistants: true,
        disable_threads: true,
        disable_runs: true,
        disable_store: true,
        disable_mcp: true,
        disable_a2a: true,
        disable_meta: true,
        disable_ui: true,
        disable_webhooks: true,
        enable_custom_route_auth: true,
        middleware_order: 'auth_first',
      },
      store: {
        path: './s.ts:store',
        index: { dims: 3, embed: 'openai:m', fields: ['$'] },
        ttl: { ...ttl, refresh_on_read: true },
      },
      checkpointer: {
        path: './c.ts:saver',
        ttl: { ...ttl, strategy: 'keep_latest', sweep_limit: 100 },
        serde: { allowed_json_modules: [['a', 'b']], allowed_msgpack_modules: true, pickle_fallback: false },
      },
      webhooks: {
        env_prefix: 'LG_WEBHOOK_',
        headers: { authorization: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}' },
        url: {
          allowed_domains: ['*.a.com'],
          allowed_ports: [443],
          require_https: true,
          disable_loopback: true,
          max_url_length: 2000,
        },
      },
      encryption: { path: './e.ts:encryption' },
      ui: { agent: './ui.tsx' },
      ui_config: { shared: ['react'] },
      nest: { modules: ['./audit.module.ts:AuditModule'] },
      node_version: '20',
      dependencies: ['.'],
      source: { kind: 'uv', root: '.', package: 'p' },
      python_version: '3.12',
      base_image: 'x',
      image_distro: 'wolfi',
      dockerfile_lines: ['RUN true'],
      pip_config_file: 'pip.conf',
      pip_installer: 'uv',
      keep_pkg_tools: true,
      api_version: '0.5',
    });
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
  });

  it.each<[Record<string, unknown>, string]>([
    [
      { graphs: undefined },
      'graphs: expected an object with at least one graph, and no UUID as a graph id, got nothing',
    ],
    [{ graphs: {} }, 'graphs: expected an object with at least one graph, got {}'],
    [
      { graphs: { 'ABCDEF00-0000-4000-8000-000000000000': './a.ts:graph' } },
      'graphs: expected an object with at least one graph, and no UUID as a graph id, got {"ABCDEF00-0000-4000-8000-000000000000":"./a.ts:graph"}',
    ],
    [
      { graphs: { a: 1 } },
      'graphs.a: expected a string of the form "path:export" or {path, description}, got a number',
    ],
    [{ graphs: { a: './a.ts:' } }, 'graphs.a: expected a string of the form "path:export", got "./a.ts:"'],
    [{ graphs: { a: {} } }, 'graphs.a.path: expected a string of the form "path:export", got nothing'],
    [
      { env: ['A'] },
      'env: expected a file path such as ".env", or the variables as an object such as {"NAME": "value"}, got a list',
    ],
    [{ env: { A: {} } }, 'env.A: expected a string or a number or true or false, got an object'],
    [{ http: { cors: { allow_origins: ['*', 1] } } }, 'http.cors.allow_origins[1]: expected a string, got a number'],
    [
      { http: { cors: { allow_origin_regex: '(' } } },
      'http.cors.allow_origin_regex: expected a regular expression, got "("',
    ],
    [
      { http: { cors: { allow_origin_regex: 'a)(b' } } },
      'http.cors.allow_origin_regex: expected a regular expression, got "a)(b"',
    ],
    [{ http: { mount_prefix: 'api' } }, 'http.mount_prefix: expected a path that begins with "/", got "api"'],
    [
      { http: { middleware_order: 'x' } },
      'http.middleware_order: expected "auth_first" or "middleware_first", got "x"',
    ],
    [{ http: { disable_runs: 'yes' } }, 'http.disable_runs: expected true or false, got a string'],
    [
      { store: { ttl: { sweep_interval_minutes: 1e6 } } },
      'store.ttl.sweep_interval_minutes: expected a number from 0 to 35791, got 1000000',
    ],
    [{ auth: {} }, 'auth.path: expected a string of the form "path:export", got nothing'],
    [{ encryption: {} }, 'encryption.path: expected a string of the form "path:export", got nothing'],
    [{ store: { index: { dims: 0, embed: 'a:b' } } }, 'store.index.dims: expected a whole number of at least 1, got 0'],
    [
      { store: { index: { dims: 1, embed: 'e' } } },
      'store.index.embed: expected a string of the form "provider:model" or "path:export", got "e"',
    ],
    [
      { store: { index: { dims: 1, embed: 'a:b', fields: [''] } } },
      'store.index.fields[0]: expected a path like "title" or "chapters[*].text", got ""',
    ],
    [
      { checkpointer: { ttl: { strategy: 'x' } } },
      'checkpointer.ttl.strategy: expected "delete" or "keep_latest", got "x"',
    ],
    [
      { webhooks: { url: { allowed_ports: [0] } } },
      'webhooks.url.allowed_ports[0]: expected a whole number from 1 to 65535, got 0',
    ],
    [{ webhooks: { env_prefix: ' ' } }, 'webhooks.env_prefix: expected a non-empty string, got " "'],
    [{ nest: { modules: [{}] } }, 'nest.modules[0]: expected a string of the form "path:export", got an object'],
  ])('rejects %j', (value, problem) => {
    expect(parse(value)).toEqual({ settings: undefined, problems: [problem], warnings: [] });
  });

  it('reports all invalid values at once, and unknown keys as warnings', () => {
    const { problems, warnings } = parse({ ui: 1, webhooks: { headers: [] }, htpp: {} });
    expect(problems).toEqual([
      'webhooks.headers: expected an object, got a list',
      'ui: expected an object, got a number',
    ]);
    expect(warnings).toEqual(['htpp is not a known key; it is ignored']);
  });

  it('understands both spellings of header filters', () => {
    const { settings } = parse({ http: { configurable_headers: { includes: ['a'], include: ['b'], exclude: ['c'] } } });
    expect(settings?.http?.configurable_headers).toEqual({ includes: ['a', 'b'], excludes: ['c'] });
  });

  it.each([
    ['https://a.ours.com', true],
    ['https://a.ours.com.evil.com', false],
    ['evil://https://a.ours.com', false],
    ['http://localhost', true],
    ['http://localhost.evil.com', false],
  ])('matches complete origins with allow_origin_regex: %s', (origin, allowed) => {
    const allow_origin_regex = 'https://.*\\.ours\\.com|http://localhost';
    const { settings } = parse({ http: { cors: { allow_origin_regex } } });
    expect(settings?.http?.cors?.allow_origin_regex?.test(origin)).toBe(allowed);
  });

  it('resolves the paths of graphs against its own folder', () => {
    const { settings } = parse({ graphs: { a: './src/a.ts:graph', b: { path: '/abs/b.ts', description: 'B' } } });
    expect(resolveGraphs(settings!, '/project')).toEqual([
      { graph_id: 'a', file: '/project/src/a.ts', export_name: 'graph' },
      { graph_id: 'b', file: '/abs/b.ts', export_name: 'default', description: 'B' },
    ]);
  });
});

describe('the file of langgraph.json', () => {
  it('may begin with a byte order mark', () => {
    const { settings } = readFile(`\uFEFF${JSON.stringify({ graphs: GRAPHS })}`);
    expect(settings?.graphs).toEqual({ agent: { path: './agent.ts', export_name: 'graph' } });
  });

  it.each([
    ['a trailing comma', '{\n  "graphs": {},\n}', 'line 2, column 15: JSON does not support trailing commas'],
    ['a comment', '{\n  // graphs\n}', 'line 2, column 3: JSON does not support comments'],
    ['no end', '{', 'line 1, column 2: Expected string in JSON but found end of file'],
    ['a control character', '{"a": "\t"}', 'line 1, column 8: Syntax error "\\x09"'],
  ])('with %s is rejected with line and column', (_what, content, place) => {
    const { settings, findings } = readFile(content);
    expect(settings).toBeUndefined();
    expect(findings.problems).toEqual([`langgraph.json: not valid JSON; ${place}`]);
  });

  it.each([
    ['[]', 'a list'],
    ['null', 'null'],
    ['"text"', 'a string'],
  ])('containing %s is rejected', (content, kind) => {
    expect(readFile(content).findings.problems).toEqual([`langgraph.json: expected an object, got ${kind}`]);
  });

  it('is reported with the reason if it cannot be read', () => {
    const findings = new Findings();
    expect(readLanggraphJson(tmpdir(), findings)).toBeUndefined();
    expect(findings.problems[0]).toContain(`cannot read ${tmpdir()} (EISDIR: `);
  });

  it('contains variables as a map of scalars', () => {
    const { settings, file, findings } = readFile(JSON.stringify({ graphs: GRAPHS, env: { A: 'a', N: 1, F: false } }));
    expect(readEnv(settings!, file, 'stop', findings)).toEqual({ A: 'a', N: '1', F: 'false' });
  });

  it('loads the variables of an env file', () => {
    const { settings, file, findings } = readFile(JSON.stringify({ graphs: GRAPHS, env: './my.env' }));
    writeFileSync(join(file, '../my.env'), '# comment\nA=1\nB="two words"\n');
    expect(readEnv(settings!, file, 'stop', findings)).toEqual({ A: '1', B: 'two words' });
  });

  it('is rejected if its env file is missing', () => {
    const { settings, file, findings } = readFile(JSON.stringify({ graphs: GRAPHS, env: './my.env' }));
    expect(readEnv(settings!, file, 'stop', findings)).toEqual({});
    expect(findings.problems).toEqual([
      `langgraph.json: env: cannot read ${join(file, '../my.env')} (ENOENT: no such file or directory)`,
    ]);
  });

  it('warns in dev if its env file is missing, and names the example file', () => {
    const { settings, file, findings } = readFile(JSON.stringify({ graphs: GRAPHS, env: '.env' }));
    const missing = join(file, '../.env');
    expect(readEnv(settings!, file, 'warn', findings)).toEqual({});
    writeFileSync(`${missing}.example`, 'KEY=\n');
    expect(readEnv(settings!, file, 'warn', findings)).toEqual({});
    expect(findings).toMatchObject({
      problems: [],
      warnings: [
        `langgraph.json: env: ${missing} does not exist; graphs that need its variables may fail`,
        `langgraph.json: env: ${missing} does not exist; copy .env.example to .env and fill it in`,
      ],
    });
  });
});

describe('Python graphs', () => {
  const mixed = { python: './agent.py:graph', ...GRAPHS };
  const check = (graphs: Record<string, string>, missing: 'warn' | 'stop') => {
    const { settings } = parse({ graphs });
    const findings = new Findings();
    checkPythonGraphs(settings!, missing, findings);
    return { ids: resolveGraphs(settings!, '/p').map(({ graph_id }) => graph_id), findings };
  };
  const sentence = /graphs\.python: Python graphs are not served \(\.\/agent\.py\)/;

  it('are skipped in dev, with a warning', () => {
    const { ids, findings } = check(mixed, 'warn');
    expect(ids).toEqual(['agent']);
    expect(findings.warnings).toEqual([expect.stringMatching(sentence)]);
    expect(findings.problems).toEqual([]);
  });

  it('stop the start in production, and if there is no other graph', () => {
    expect(check(mixed, 'stop').findings.problems).toEqual([expect.stringMatching(sentence)]);
    expect(check({ python: './agent.py:graph' }, 'warn').findings.problems).toEqual([expect.stringMatching(sentence)]);
  });
});
