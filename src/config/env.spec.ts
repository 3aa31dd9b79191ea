import { describe, expect, it } from '@jest/globals';
import { readEnvironment, type Environment } from './env.js';
import { Findings } from './findings.js';
import { publishAddress, publishedAddress } from './published-address.js';

function read(env: NodeJS.ProcessEnv) {
  const findings = new Findings();
  const environment = readEnvironment(env, findings);
  return { environment, problems: findings.problems };
}

describe('the environment', () => {
  it('has a default for each variable that does not depend on another one', () => {
    expect(read({})).toEqual({
      environment: {
        HOST: '127.0.0.1',
        N_JOBS_PER_WORKER: 10,
        BG_JOB_TIMEOUT_SECS: 3600,
        BG_JOB_MAX_RETRIES: 3,
        BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: 30,
        LOG_LEVEL: 'info',
        LANGGRAPH_CONFIG: {},
        LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: 10_000,
        NESTGRAPH_DATA_DIR: '.nestgraph',
        NESTGRAPH_DATABASE_POOL_SIZE: 10,
        NESTGRAPH_PREPARED_STATEMENTS: true,
        NESTGRAPH_STREAM_RETENTION_SECS: 3600,
        NESTGRAPH_STREAM_LIMIT_MB: 64,
        NESTGRAPH_LEASE_SECS: 30,
        NESTGRAPH_HEARTBEAT_SECS: 10,
        NESTGRAPH_BODY_LIMIT_MB: 20,
        NESTGRAPH_BODY_LIMIT_VALUES: 100_000,
        NESTGRAPH_REQUEST_TIMEOUT_SECS: 300,
        NESTGRAPH_RATE_LIMIT_PER_MINUTE: 0,
        NESTGRAPH_MAX_STREAMS_PER_CALLER: 0,
        NESTGRAPH_MAX_QUEUED_RUNS: 1000,
        NESTGRAPH_CALLER_SLOT_SHARE: 0.8,
        NESTGRAPH_CALLER_WEIGHTS: {},
        NESTGRAPH_STATELESS_RETENTION_SECS: 60,
        NESTGRAPH_ALLOWED_HOSTS: [],
        NESTGRAPH_JWT_IDENTITY_CLAIM: 'sub',
        NESTGRAPH_JWT_PERMISSIONS_CLAIM: 'scope',
        NESTGRAPH_AUTH_OWNER_ONLY: true,
      },
      problems: [],
    });
  });

  it.each<[keyof Environment, string, unknown]>([
    ['HOST', '0.0.0.0', '0.0.0.0'],
    ['PORT', '0', 0],
    ['PORT', ' 8080\r', 8080],
    ['MOUNT_PREFIX', '/api', '/api'],
    ['DATABASE_URI', 'postgres://u:p@h/d', 'postgres://u:p@h/d'],
    ['DATABASE_URI', 'postgresql://h/d', 'postgresql://h/d'],
    ['REDIS_URI', 'rediss://h:6379', 'rediss://h:6379'],
    ['N_JOBS_PER_WORKER', '0', 0],
    ['BG_JOB_TIMEOUT_SECS', '0.5', 0.5],
    ['LOG_LEVEL', 'DEBUG', 'debug'],
    ['NESTGRAPH_CALLER_SLOT_SHARE', '0', 0],
    ['NESTGRAPH_CALLER_WEIGHTS', '{"alice": 3}', { alice: 3 }],
    ['LOG_JSON', 'false', false],
    ['NESTGRAPH_WEBHOOK_ALLOW_PRIVATE', 'true', true],
    ['NESTGRAPH_WEBHOOK_SECRET', 'shh', 'shh'],
    [
      'LANGGRAPH_CONFIG',
      '{"agent": {"tags": ["a"], "context": {"k": 1}}}',
      { agent: { tags: ['a'], context: { k: 1 } } },
    ],
    ['NESTGRAPH_TRUST_PROXY', 'loopback, 10.0.0.0/8,fd00::/8', ['loopback', '10.0.0.0/8', 'fd00::/8']],
    ['N_JOBS_PER_WORKER', '', 10],
    ['LOG_JSON', '', undefined],
    ['NESTGRAPH_DATA_DIR', '  ', '.nestgraph'],
  ])('reads %s=%j', (name, value, expected) => {
    const { environment, problems } = read({ [name]: value });
    expect(problems).toEqual([]);
    expect(environment[name]).toEqual(expected);
  });

  it.each<[keyof Environment, string, string]>([
    ['LANGSMITH_ENDPOINT', 'smith', 'expected an address like https://api.smith.langchain.com, got "smith"'],
    ['PORT', 'abc', 'expected a whole number from 0 to 65535, got "abc"'],
    ['PORT', '65536', 'expected a whole number from 0 to 65535, got 65536'],
    ['PORT', '1e3', 'expected a whole number from 0 to 65535, got "1e3"'],
    ['MOUNT_PREFIX', 'api', 'expected a path that begins with "/", got "api"'],
    ['N_JOBS_PER_WORKER', '1.5', 'expected a whole number of at least 0, got 1.5'],
    ['BG_JOB_TIMEOUT_SECS', '0', 'expected a number from 0.001 to 2147483, got 0'],
    ['BG_JOB_TIMEOUT_SECS', '2147484', 'expected a number from 0.001 to 2147483, got 2147484'],
    ['LOG_LEVEL', 'loud', 'expected "debug" or "info" or "warn" or "error", got "loud"'],
    ['LOG_JSON', '1', 'expected true or false, got "1"'],
    ['LOG_JSON', 'TRUE', 'expected true or false, got "TRUE"'],
    ['REDIS_URI', 'localhost:6379', 'expected an address like redis://host:6379, got "localhost:6379"'],
    ['LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS', '0', 'expected a whole number from 1 to 2147483000, got 0'],
    ...['1', 'true', 'proxy.local', '10.0.0.0/33', 'loopback,', '::1/129'].map(
      (value): [keyof Environment, string, string] => [
        'NESTGRAPH_TRUST_PROXY',
        value,
        'expected addresses of proxies, separated by commas, such as 10.0.0.0/8 or loopback, linklocal, uniquelocal, ' +
          `got "${value}"`,
      ],
    ),
    ['LANGGRAPH_CONFIG', '{"agent"', 'expected a JSON object from graph id to config, got "{\\"agent\\""'],
    ['LANGGRAPH_CONFIG', 'null', 'expected a JSON object from graph id to config, got null'],
    ['LANGGRAPH_CONFIG', '[]', 'expected a JSON object from graph id to config, got a list'],
    ['LANGGRAPH_CONFIG', '{"agent": 1}', 'agent: expected an object, got a number'],
    ['LANGGRAPH_CONFIG', '{"agent": {"context": 1}}', 'agent.context: expected an object, got a number'],
  ])('rejects %s=%j', (name, value, problem) => {
    expect(read({ [name]: value }).problems).toEqual([`${name}: ${problem}`]);
  });

  it('does not repeat the password of an address', () => {
    const [problem] = read({ DATABASE_URI: 'mysql://user:p@ss:word@host/db' }).problems;
    expect(problem).toBe(
      'DATABASE_URI: expected an address like postgres://user:password@host:5432/database, got "mysql://user:***@host/db"',
    );
  });

  it.each(['mysql://host/db?user=u&password=hush', 'mysql://host/db?sslmode=x&PGPASSWORD=hush&a=b', '?api_key=hush'])(
    'does not repeat a password among its parameters: %s',
    (address) => {
      const [problem] = read({ DATABASE_URI: address }).problems;
      expect(problem).toContain('***');
      expect(problem).not.toContain('hush');
    },
  );

  it('repeats only the beginning of a long value', () => {
    expect(read({ LOG_JSON: 'x'.repeat(200) }).problems[0]).toBe(
      `LOG_JSON: expected true or false, got "${'x'.repeat(100)}..."`,
    );
  });

  it('reports all invalid variables at once', () => {
    expect(read({ PORT: 'a', LOG_JSON: 'b' }).problems).toHaveLength(2);
  });

  it.each([
    [{ NESTGRAPH_LEASE_SECS: '5' }, ['expected less than NESTGRAPH_LEASE_SECS (5), got 10']],
    [{ NESTGRAPH_HEARTBEAT_SECS: '30' }, ['expected less than NESTGRAPH_LEASE_SECS (30), got 30']],
    [{ NESTGRAPH_LEASE_SECS: '0.2', NESTGRAPH_HEARTBEAT_SECS: '0.1' }, []],
  ])('requires a heartbeat that is shorter than the lease: %j', (env, expected) => {
    const { problems } = read(env);
    expect(problems).toEqual(
      expected.map((start) => `NESTGRAPH_HEARTBEAT_SECS: ${start}; a lease must be renewed before it expires`),
    );
  });

  it('does not compare a heartbeat that is not a number', () => {
    expect(read({ NESTGRAPH_HEARTBEAT_SECS: 'soon' }).problems).toEqual([
      'NESTGRAPH_HEARTBEAT_SECS: expected a number from 0.001 to 2147483, got "soon"',
    ]);
  });
});

describe('the address of the server', () => {
  it('is visible to graphs', () => {
    const env: NodeJS.ProcessEnv = { PORT: '0' };
    expect(publishedAddress(env)).toBeUndefined();
    publishAddress('http://127.0.0.1:2024/api', 2024, env);
    expect(env).toEqual({ LANGGRAPH_API_URL: 'http://127.0.0.1:2024/api', PORT: '2024' });
    expect(publishedAddress(env)).toBe('http://127.0.0.1:2024/api');
  });

  it('is not replaced if the operator has set it', () => {
    const env = { LANGGRAPH_API_URL: 'https://graphs.example' };
    publishAddress('http://127.0.0.1:2024', 2024, env);
    expect(publishedAddress(env)).toBe('https://graphs.example');
  });
});
