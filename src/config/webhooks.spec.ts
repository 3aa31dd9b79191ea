import { describe, expect, it } from '@jest/globals';
import { load, problemsOf } from '../../test/support/config.js';
import type { CliOptions } from './cli-options.js';
import { Findings } from './findings.js';
import { LANGGRAPH_JSON } from './langgraph-json.schema.js';
import { readInto } from './read-value.js';
import { checkSecret, readWebhookHeaders, warnAboutHeaders, webhooksConfig } from './webhooks.js';

const ENV = { LG_WEBHOOK_TOKEN: 't0ken', LG_WEBHOOK_B: 'b', LG_WEBHOOK_EMPTY: '', HOOK_X: 'x', SECRET: 'shh' };

function read(headers: Record<string, string>, { env_prefix, env = ENV }: { env_prefix?: string; env?: object } = {}) {
  const findings = new Findings();
  const result = readWebhookHeaders({ headers, env_prefix }, env as NodeJS.ProcessEnv, findings);
  return { headers: result, problems: findings.problems };
}

describe('webhooks.headers', () => {
  it.each<[string, string]>([
    ['plain', 'plain'],
    ['', ''],
    ['Bearer ${{ env.LG_WEBHOOK_TOKEN }}', 'Bearer t0ken'],
    ['${{env.LG_WEBHOOK_TOKEN}}:${{  env.LG_WEBHOOK_B  }}!', 't0ken:b!'],
    ['$LG_WEBHOOK_TOKEN ${LG_WEBHOOK_TOKEN} {{ x }}', '$LG_WEBHOOK_TOKEN ${LG_WEBHOOK_TOKEN} {{ x }}'],
  ])('%j becomes %j', (template, value) => {
    expect(read({ 'X-Custom': template })).toEqual({ headers: { 'x-custom': value }, problems: [] });
  });

  it('may have variables with another prefix', () => {
    expect(read({ a: '${{ env.HOOK_X }}' }, { env_prefix: 'HOOK_' })).toEqual({ headers: { a: 'x' }, problems: [] });
  });

  it('do not expand templates in the value of a variable', () => {
    const env = { LG_WEBHOOK_A: '${{ env.LG_WEBHOOK_B }}', LG_WEBHOOK_B: 'b' };
    expect(read({ a: '${{ env.LG_WEBHOOK_A }}' }, { env }).headers).toEqual({ a: '${{ env.LG_WEBHOOK_B }}' });
  });

  it.each<[Record<string, string>, string]>([
    [
      { a: '${{ env.SECRET }}' },
      'webhooks.headers.a: the variable SECRET does not begin with "LG_WEBHOOK_" (webhooks.env_prefix), so it is not sent',
    ],
    [{ 'x-a': '${{ env.LG_WEBHOOK_NONE }}' }, 'webhooks.headers.x-a: the variable LG_WEBHOOK_NONE is not set'],
    [{ a: '${{ env.LG_WEBHOOK_EMPTY }}' }, 'webhooks.headers.a: the variable LG_WEBHOOK_EMPTY is not set'],
    ...['${{ LG_WEBHOOK_TOKEN }}', '${{ env.LG-X }}', '${{ env.LG_WEBHOOK_TOKEN', '${{ secrets.X }}'].map(
      (template): [Record<string, string>, string] => [
        { a: template },
        'webhooks.headers.a: expected templates of the form "${{ env.LG_WEBHOOK_NAME }}"',
      ],
    ),
    [{ 'a b': 'x' }, 'webhooks.headers["a b"]: expected a valid header name'],
    [{ 'Content-Length': '5' }, 'webhooks.headers.Content-Length: this header is set by the server; remove it'],
    [{ 'webhook-id': '5' }, 'webhooks.headers.webhook-id: this header is set by the server; remove it'],
    [
      { a: 'x\r\nhost: evil' },
      'webhooks.headers.a: the value contains characters that are invalid in a header, such as a line break',
    ],
  ])('%j stop the start', (headers, problem) => {
    expect(read(headers).problems).toEqual([problem]);
  });

  it('do not repeat an invalid value', () => {
    const env = { LG_WEBHOOK_TOKEN: 't0ken\n' };
    const { problems } = read({ a: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}' }, { env });
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('t0ken');
  });
});

describe('webhooks.url.allowed_domains', () => {
  const domainsOf = (allowed_domains: unknown[]) => {
    const findings = new Findings();
    const json = { graphs: { a: './a.ts' }, webhooks: { url: { allowed_domains } } };
    const settings = readInto(LANGGRAPH_JSON, json, findings);
    return { domains: settings?.webhooks?.url?.allowed_domains, problems: findings.problems };
  };

  it.each([
    ['hooks.example.com', 'hooks.example.com'],
    ['*.Example.COM', '*.example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['10.0.0.1', '10.0.0.1'],
    ['[::1]', '[::1]'],
  ])('may have %s', (source, domain) => {
    expect(domainsOf([source])).toEqual({ domains: [domain], problems: [] });
  });

  it.each([
    '',
    '*',
    '*.',
    '*example.com',
    'a.*.com',
    'https://example.com',
    'example.com/x',
    'example.com:80',
    'u@a.com',
  ])('may not have %j', (source) => {
    expect(domainsOf([source]).problems).toEqual([
      'webhooks.url.allowed_domains[0]: expected a host name like "hooks.example.com" or "*.example.com", ' +
        `got ${JSON.stringify(source)}`,
    ]);
  });
});

describe('webhooksConfig', () => {
  it('allows only public addresses by default', () => {
    expect(webhooksConfig('start', {}, {}, {})).toEqual({
      disabled: false,
      url: { allowed_domains: [], allowed_ports: [], require_https: false, disable_loopback: false },
      headers: {},
      allow_private: false,
      allow_loopback: false,
    });
  });

  it.each<[string, boolean | undefined, boolean, { allow_private: boolean; allow_loopback: boolean }]>([
    ['dev', undefined, false, { allow_private: false, allow_loopback: true }],
    ['dev', undefined, true, { allow_private: false, allow_loopback: false }],
    ['dev', false, false, { allow_private: false, allow_loopback: false }],
    ['dev', true, false, { allow_private: true, allow_loopback: true }],
    ['dev', true, true, { allow_private: true, allow_loopback: false }],
    ['start', undefined, false, { allow_private: false, allow_loopback: false }],
    ['worker', undefined, false, { allow_private: false, allow_loopback: false }],
    ['start', true, false, { allow_private: true, allow_loopback: true }],
    ['start', true, true, { allow_private: true, allow_loopback: false }],
  ])(
    '%s with NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=%s, disable_loopback=%s',
    (command, allowed, disable_loopback, expected) => {
      const file = { webhooks: { url: { disable_loopback } } };
      expect(webhooksConfig(command, file, {}, { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: allowed })).toMatchObject(expected);
    },
  );

  it('reads the file and the environment', () => {
    const url = { allowed_domains: ['a.com'], allowed_ports: [1], require_https: true, max_url_length: 9 };
    const file = { http: { disable_webhooks: true }, webhooks: { url } };
    const environment = { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: true, NESTGRAPH_WEBHOOK_SECRET: 's' };
    expect(webhooksConfig('start', file, { a: 'b' }, environment)).toEqual({
      disabled: true,
      url: { ...url, disable_loopback: false },
      headers: { a: 'b' },
      allow_private: true,
      allow_loopback: true,
      secret: 's',
    });
  });
});

describe('warnAboutHeaders', () => {
  const warningsOf = (headers: Record<string, string>, file: Parameters<typeof webhooksConfig>[1] = {}): string[] => {
    const findings = new Findings();
    warnAboutHeaders(webhooksConfig('start', file, headers, {}), findings);
    return findings.warnings;
  };

  it('names the headers that are sent to any receiver, without their values', () => {
    expect(warningsOf({ authorization: 'Bearer t0ken', 'x-a': 'shh' })).toEqual([
      'webhooks.headers (authorization, x-a) are sent to any address that a client names; ' +
        'name the hosts of your receivers in webhooks.url.allowed_domains',
    ]);
  });

  it.each<[string, Record<string, string>, Parameters<typeof webhooksConfig>[1]]>([
    ['there are none', {}, {}],
    ['the receivers are named', { a: 'b' }, { webhooks: { url: { allowed_domains: ['a.com'] } } }],
    ['no webhook is called', { a: 'b' }, { http: { disable_webhooks: true } }],
  ])('is silent when %s', (_, headers, file) => {
    expect(warningsOf(headers, file)).toEqual([]);
  });
});

describe('checkSecret', () => {
  it.each([
    [undefined, []],
    ['0123456789abcdef', []],
    ['0123456789abcde', ['NESTGRAPH_WEBHOOK_SECRET: expected at least 16 characters']],
  ])('%s', (secret, expected) => {
    const findings = new Findings();
    checkSecret(secret, findings);
    expect(findings.problems).toEqual(expected);
  });
});

describe('the headers of webhooks', () => {
  const file = { webhooks: { headers: { authorization: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}' } } };

  it('take their variables from the environment', () => {
    expect(load({ file, env: { LG_WEBHOOK_TOKEN: 't' } }).webhooks.headers).toEqual({ authorization: 'Bearer t' });
  });

  it('take their variables from the env of the file, too', () => {
    const env = { LG_WEBHOOK_TOKEN: 't' };
    expect(load({ file: { ...file, env } }).webhooks.headers).toEqual({ authorization: 'Bearer t' });
  });

  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stop %s if a variable is missing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([
      'langgraph.json: webhooks.headers.authorization: the variable LG_WEBHOOK_TOKEN is not set',
    ]);
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('are ignored by %s, which sends nothing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([]);
  });
});

it('stops the start if the webhook secret is too short, without repeating it', () => {
  expect(problemsOf(() => load({ env: { NESTGRAPH_WEBHOOK_SECRET: 'hunter2' } }))).toEqual([
    'NESTGRAPH_WEBHOOK_SECRET: expected at least 16 characters',
  ]);
});
