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

/** The part of a webhook that may be logged: paths and queries are often secret, credentials always. */
export const loggable = (webhook: string): string => {
  const address = parseWebhook(webhook);
  return address && 'url' in address ? address.url.origin : 'this server';
};
