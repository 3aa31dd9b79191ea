import { describe, expect, it } from '@jest/globals';
import type { WebhooksConfig, WebhookUrlPolicy } from '../../config/index.js';
import { ipRefusal, webhookRefusal } from './webhook-policy.js';

const config = (url: Partial<WebhookUrlPolicy> = {}, rest: Partial<WebhooksConfig> = {}): WebhooksConfig => ({
  disabled: false,
  url: { allowed_domains: [], allowed_ports: [], require_https: false, disable_loopback: false, ...url },
  headers: {},
  allow_private: false,
  allow_loopback: (rest.allow_private ?? false) && !url.disable_loopback,
  ...rest,
});

const LOOPBACK = ['http://127.0.0.1:8000/x', 'http://[::1]/', 'http://0.0.0.0/', 'http://[::ffff:127.0.0.1]/'];

/** Spellings of a loopback address that only some programs parse. */
const DISGUISED = [
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://127.1/',
  'http://%31%32%37.0.0.1/',
  'http://①②⑦.0.0.1/',
  'http://127.0.0.1./',
  'http://public.example@127.0.0.1/',
  'http://[0:0:0:0:0:ffff:7f00:1]/',
];

const PRIVATE = ['http://10.0.0.1/', 'https://169.254.169.254/latest/meta-data', 'http://[fd00:ec2::254]/'];

describe('webhookRefusal', () => {
  it.each(['https://example.com/hook', 'http://8.8.8.8/', 'http://[2606:4700::1]:8080/', '/hooks/ended'])(
    'allows %s by default',
    (webhook) => {
      expect(webhookRefusal(webhook, config())).toBeUndefined();
    },
  );

  it.each([...LOOPBACK, ...DISGUISED, ...PRIVATE])('rejects %s by default', (webhook) => {
    expect(webhookRefusal(webhook, config())).toMatch(
      /^\S+ is not a public address \(set NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=true /,
    );
  });

  it.each([...LOOPBACK, ...DISGUISED, ...PRIVATE])('allows %s when private addresses are allowed', (webhook) => {
    expect(webhookRefusal(webhook, config({}, { allow_private: true }))).toBeUndefined();
  });

  it.each([...LOOPBACK, ...DISGUISED])(
    'rejects %s with disable_loopback, even when private addresses are allowed',
    (webhook) => {
      const settings = config({ disable_loopback: true }, { allow_private: true });
      expect(webhookRefusal(webhook, settings)).toMatch(
        / is an address of this machine \(webhooks\.url\.disable_loopback\)$/,
      );
    },
  );

  it.each(PRIVATE)('allows %s with disable_loopback when private addresses are allowed', (webhook) => {
    expect(webhookRefusal(webhook, config({ disable_loopback: true }, { allow_private: true }))).toBeUndefined();
  });

  it.each([...LOOPBACK, ...DISGUISED])('allows %s in dev', (webhook) => {
    expect(webhookRefusal(webhook, config({}, { allow_loopback: true }))).toBeUndefined();
  });

  it.each(PRIVATE)('rejects %s in dev', (webhook) => {
    expect(webhookRefusal(webhook, config({}, { allow_loopback: true }))).toMatch(/ is not a public address /);
  });

  const DOMAINS = { allowed_domains: ['hooks.example.com', '*.corp.example', '8.8.8.8'] };

  it.each<[string, Partial<WebhookUrlPolicy>, RegExp | undefined]>([
    ['/x', { disable_loopback: true }, /webhooks\.url\.disable_loopback/],
    ['/x', { require_https: true, allowed_domains: ['a.com'], allowed_ports: [443] }, undefined],
    ['http://example.com', { require_https: true }, /webhooks\.url\.require_https/],
    ['https://example.com', { require_https: true }, undefined],
    ['https://example.com', { allowed_ports: [443] }, undefined],
    ['http://example.com', { allowed_ports: [443] }, /port 80 .*webhooks\.url\.allowed_ports/],
    ['https://example.com:8443', { allowed_ports: [443] }, /port 8443 /],
    ['https://example.com:8443', { allowed_ports: [443, 8443] }, undefined],
    ['https://hooks.example.com/x', DOMAINS, undefined],
    ['https://HOOKS.example.com./x', DOMAINS, undefined],
    ['https://a.corp.example', DOMAINS, undefined],
    ['https://a.b.corp.example', DOMAINS, undefined],
    ['https://8.8.8.8/', DOMAINS, undefined],
    ['https://corp.example', DOMAINS, /the host corp\.example .*webhooks\.url\.allowed_domains/],
    ['https://.corp.example', DOMAINS, /webhooks\.url\.allowed_domains/],
    ['https://evilcorp.example', DOMAINS, /webhooks\.url\.allowed_domains/],
    ['https://example.com', DOMAINS, /webhooks\.url\.allowed_domains/],
    ['https://hooks.example.com.evil.com', DOMAINS, /webhooks\.url\.allowed_domains/],
    ['https://hooks.example.com@evil.com', DOMAINS, /the host evil\.com /],
    ['https://10.0.0.1/', { allowed_domains: ['10.0.0.1'] }, /not a public address/],
    [
      'https://example.com/123',
      { max_url_length: 22 },
      /longer than the 22 characters .*webhooks\.url\.max_url_length/,
    ],
    ['https://example.com/123', { max_url_length: 23 }, undefined],
    ['/123', { max_url_length: 3 }, /webhooks\.url\.max_url_length/],
    ['nonsense', {}, /neither/],
  ])('%s with %j: %s', (webhook, policy, reason) => {
    const refusal = webhookRefusal(webhook, config(policy));
    if (reason) {
      expect(refusal).toMatch(reason);
    } else {
      expect(refusal).toBeUndefined();
    }
  });

  it.each(['https://example.com', '/x'])('rejects %s when webhooks are disabled', (webhook) => {
    expect(webhookRefusal(webhook, config({}, { disabled: true, allow_private: true }))).toMatch(
      /http\.disable_webhooks/,
    );
  });

  it('never repeats credentials, the path or the query', () => {
    const webhook = 'http://user:secret@127.0.0.1/secret?secret#secret';
    const policies = [{}, { require_https: true }, { allowed_domains: ['a.com'] }, { allowed_ports: [1] }];
    for (const policy of [...policies, { max_url_length: 1 }]) {
      expect(webhookRefusal(webhook, config(policy))).not.toMatch(/secret|user/);
    }
  });
});

describe('ipRefusal', () => {
  it.each([
    ['8.8.8.8', config(), undefined],
    ['127.0.0.1', config(), 'NESTGRAPH_WEBHOOK_ALLOW_PRIVATE'],
    ['10.0.0.1', config({}, { allow_private: true }), undefined],
    ['::1', config({ disable_loopback: true }, { allow_private: true }), 'disable_loopback'],
  ])('%s', (ip, settings, reason) => {
    const refusal = ipRefusal(ip, settings);
    expect(reason ? refusal?.includes(reason) : refusal === undefined).toBe(true);
  });
});
