import { isIP } from 'node:net';
import { matchesDomain } from '../../http/index.js';
import type { WebhooksConfig, WebhookUrlPolicy } from '../../config/index.js';
import { type Reach, reachOf } from './ip-range.js';

/** The parsed `webhook` of a run. */
export type WebhookAddress =
  /** A path of this server below its mount prefix, with the query if any. */
  | { path: string }
  /** Any other server. */
  | { url: URL };

export const MAX_WEBHOOK_LENGTH = 10_000;

/** The limit of DNS. */
const MAX_HOST_LENGTH = 253;

/** Placeholder for this server; no real host name ends in `.invalid` (RFC 6761). */
const THIS_SERVER = 'http://this-server.invalid';

/**
 * Parses the `webhook` of a request; undefined if it is neither an http(s) URL nor a path. Stricter than the URL
 * parser, so that all parsers see the same host in the string: no white space, no `//host`, no `http:\\host`.
 */
export function parseWebhook(webhook: string): WebhookAddress | undefined {
  // eslint-disable-next-line no-control-regex
  if (webhook.length > MAX_WEBHOOK_LENGTH || /[\s\\\u0000-\u001f\u007f]/.test(webhook)) {
    return undefined;
  }
  if (webhook.startsWith('/')) {
    const url = URL.canParse(webhook, THIS_SERVER) ? new URL(webhook, THIS_SERVER) : undefined;
    return url?.origin === THIS_SERVER ? { path: url.pathname + url.search } : undefined;
  }
  const url = /^https?:\/\/[^/]/i.test(webhook) && URL.canParse(webhook) ? new URL(webhook) : undefined;
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

/**
 * Why the settings of this server forbid a webhook; undefined if they allow it. Host names are resolved only when
 * called.
 */
export function webhookRefusal(webhook: string, config: WebhooksConfig): string | undefined {
  const { disabled, url: policy } = config;
  const address = parseWebhook(webhook);
  if (disabled) {
    return 'webhooks are disabled on this server (http.disable_webhooks)';
  }
  if (!address) {
    return 'the value is neither an http or https URL nor a path of this server that starts with /';
  }
  if (policy.max_url_length !== undefined && webhook.length > policy.max_url_length) {
    return `the URL is longer than the ${policy.max_url_length} characters allowed (webhooks.url.max_url_length)`;
  }
  if ('path' in address) {
    return policy.disable_loopback
      ? 'calls to this server itself are disabled (webhooks.url.disable_loopback)'
      : undefined;
  }
  return (
    urlRefusal(address.url, policy) ?? (isIP(hostOf(address.url)) ? ipRefusal(hostOf(address.url), config) : undefined)
  );
}

function urlRefusal(url: URL, { require_https, allowed_domains, allowed_ports }: WebhookUrlPolicy): string | undefined {
  const port = portOf(url);
  if (require_https && url.protocol !== 'https:') {
    return 'the URL must start with https:// (webhooks.url.require_https)';
  }
  if (allowed_ports.length > 0 && !allowed_ports.includes(port)) {
    return `port ${port} is not allowed (webhooks.url.allowed_ports)`;
  }
  if (allowed_domains.length > 0 && !allowed_domains.some((domain) => matchesDomain(domain, url.hostname))) {
    return `the host ${hostOf(url)} is not allowed (webhooks.url.allowed_domains)`;
  }
  return undefined;
}

/**
 * Why the settings forbid an IP address; undefined if they allow it. Called for each address that a host name resolves
 * to.
 */
export function ipRefusal(ip: string, { allow_private, allow_loopback, url }: WebhooksConfig): string | undefined {
  const reach: Reach = reachOf(ip);
  const isAllowed: Record<Reach, boolean> = { public: true, private: allow_private, loopback: allow_loopback };
  if (isAllowed[reach]) {
    return undefined;
  }
  return reach === 'loopback' && url.disable_loopback
    ? `${ip} is an address of this machine (webhooks.url.disable_loopback)`
    : `${ip} is not a public address (set NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=true to allow it)`;
}

/** The host, without the brackets of IPv6. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const portOf = ({ port, protocol }: URL): number => (port ? Number(port) : protocol === 'https:' ? 443 : 80);

/** The part of a webhook that may be logged: paths and queries are often secret, credentials always. */
export const loggable = (webhook: string): string => {
  const address = parseWebhook(webhook);
  return address && 'url' in address ? address.url.origin : 'this server';
};
