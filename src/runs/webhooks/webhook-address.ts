import { isIP } from 'node:net';
import { matchesDomain } from '../../common/index.js';
import type { WebhooksConfig, WebhookUrlPolicy } from '../../config/index.js';
import { type Reach, reachOf } from './ip-range.js';

/** Where a webhook goes. */
export type WebhookAddress =
  /** A path of this server, below its mount prefix; with a query, perhaps. */
  | { path: string }
  /** Anywhere else. */
  | { url: URL };

export const MAX_WEBHOOK_LENGTH = 10_000;

/** DNS knows no longer ones. */
const MAX_HOST_LENGTH = 253;

/** Stands in for this server; no name has such an end (RFC 6761). */
const THIS_SERVER = 'http://this-server.invalid';

/**
 * Reads what a client gave as webhook; undefined when it is neither an http(s) address nor a path. Strict where URLs are
 * lenient, so that everybody who looks at the text sees the same host: no white space, no `//host`, no `http:\\host`.
 */
export function parseWebhook(text: string): WebhookAddress | undefined {
  // eslint-disable-next-line no-control-regex
  if (text.length > MAX_WEBHOOK_LENGTH || /[\s\\\u0000-\u001f\u007f]/.test(text)) {
    return undefined;
  }
  if (text.startsWith('/')) {
    const url = URL.canParse(text, THIS_SERVER) ? new URL(text, THIS_SERVER) : undefined;
    return url?.origin === THIS_SERVER ? { path: url.pathname + url.search } : undefined;
  }
  const url = /^https?:\/\/[^/]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url && url.hostname.length <= MAX_HOST_LENGTH && url.port !== '0' && hasReadableCredentials(url)
    ? { url }
    : undefined;
}

function hasReadableCredentials({ username, password }: URL): boolean {
  try {
    return [username, password].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
}

export const isWebhook = (value: unknown): value is string =>
  typeof value === 'string' && parseWebhook(value) !== undefined;

/** Why runs may not call this; undefined when they may. Names of hosts are looked up only when they are called. */
export function refusalOf(webhook: string, config: WebhooksConfig): string | undefined {
  const { disabled, url: policy } = config;
  const address = parseWebhook(webhook);
  if (disabled) {
    return 'webhooks are switched off on this server (http.disable_webhooks)';
  }
  if (!address) {
    return 'this is neither an http or https address nor a path that begins with /';
  }
  if (policy.max_url_length !== undefined && webhook.length > policy.max_url_length) {
    return `it is longer than the ${policy.max_url_length} characters allowed (webhooks.url.max_url_length)`;
  }
  if ('path' in address) {
    return policy.disable_loopback
      ? 'calls to this server itself are refused (webhooks.url.disable_loopback)'
      : undefined;
  }
  return (
    refusalOfUrl(address.url, policy) ??
    (isIP(hostOf(address.url)) ? refusalOfIp(hostOf(address.url), config) : undefined)
  );
}

function refusalOfUrl(
  url: URL,
  { require_https, allowed_domains, allowed_ports }: WebhookUrlPolicy,
): string | undefined {
  const port = portOf(url);
  if (require_https && url.protocol !== 'https:') {
    return 'the address must begin with https:// (webhooks.url.require_https)';
  }
  if (allowed_ports.length > 0 && !allowed_ports.includes(port)) {
    return `port ${port} is not one of those allowed (webhooks.url.allowed_ports)`;
  }
  if (allowed_domains.length > 0 && !allowed_domains.some((domain) => matchesDomain(domain, url.hostname))) {
    return `the host ${hostOf(url)} is not one of those allowed (webhooks.url.allowed_domains)`;
  }
  return undefined;
}

/** Why this IP address may not be called; undefined when it may. Asked for every address that a name stands for. */
export function refusalOfIp(ip: string, { allow_private, allow_loopback, url }: WebhooksConfig): string | undefined {
  const reach: Reach = reachOf(ip);
  const isAllowed: Record<Reach, boolean> = { public: true, private: allow_private, loopback: allow_loopback };
  if (isAllowed[reach]) {
    return undefined;
  }
  return reach === 'loopback' && url.disable_loopback
    ? `${ip} is an address of this machine (webhooks.url.disable_loopback)`
    : `${ip} is not a public address (NESTGRAPH_WEBHOOK_ALLOW_PRIVATE lets webhooks call it)`;
}

/** Without the brackets of IPv6. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const portOf = ({ port, protocol }: URL): number => (port ? Number(port) : protocol === 'https:' ? 443 : 80);

/** What may be logged of an address: paths and queries are often secret, credentials always. */
export const loggable = (webhook: string): string => {
  const address = parseWebhook(webhook);
  return address && 'url' in address ? address.url.origin : 'this server';
};
