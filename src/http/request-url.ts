import type { FastifyRequest } from 'fastify';

/** A path, or the absolute form that proxies use. Other targets (`*`, other schemes) match no route of this server. */
const ADDRESS = /^(?:https?:\/\/[^/?#\\]*|(?=\/))/i;

/** A name, an IPv4 or an IPv6 address, with or without a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * The canonical form of a request target, computed before routing: path and query, without scheme, host, fragment and dot
 * segments. Router, authentication, custom app and logs all use the same path, which later parsers do not change.
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
 * The absolute URL of a request, for the Fetch API. An invalid `Host` is replaced by `localhost`. A path is never parsed as
 * an authority: `//user:password@host` stays a path.
 */
export function requestUrl({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>, path: string): URL {
  const base = `${protocol === 'https' ? 'https' : 'http'}://${host}`;
  const origin = HOST.test(host) && URL.canParse(base) ? base : 'http://localhost';
  return new URL(origin + (path.startsWith('/') ? path : `/${path}`));
}
