import { isIP } from 'node:net';
import type { WebhooksConfig, WebhookUrlPolicy } from '../../config/index.js';
import { matchesDomain } from '../../http/index.js';
import { parseWebhook } from '../dto/webhook-address.js';
import { type Reach, reachOf } from './ip-range.js';

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
