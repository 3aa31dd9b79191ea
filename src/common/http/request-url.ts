import type { FastifyRequest } from 'fastify';

/** A path, or the absolute form that proxies use. Anything else (`*`, other schemes) names nothing that this server has. */
const ADDRESS = /^(?:https?:\/\/[^/?#\\]*|(?=\/))/i;

/** A name, an IPv4 or an IPv6 address, with or without a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * The one spelling of a request target, made before routing: its path and query, without scheme, host, fragment and dot
 * segments. Router, authentication, custom app and logs all decide by the same path, which later parsers leave as it is.
 */
export function canonicalTarget(target: string): string {
  if (!ADDRESS.test(target)) {
    return target;
  }
  const path = target.replace(ADDRESS, '');
  const { pathname, search } = new URL(`http://localhost${path.startsWith('/') ? path : `/${path}`}`);
  return pathname + search;
}

/**
 * The absolute address of a request, as the Fetch API needs it. A `Host` that is none counts as `localhost`, and a path is
 * never read as an authority: `//user:password@host` stays a path.
 */
export function requestUrl({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>, path: string): URL {
  const base = `${protocol === 'https' ? 'https' : 'http'}://${host}`;
  const origin = HOST.test(host) && URL.canParse(base) ? base : 'http://localhost';
  return new URL(origin + (path.startsWith('/') ? path : `/${path}`));
}
