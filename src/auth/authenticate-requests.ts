import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPublic, requestUrl } from '../http/index.js';
import type { AuthService } from './auth.service.js';
import { ANONYMOUS } from './auth-user.js';

/** The API documentation, which needs no credentials (contract 6.3). Its routes have no handler that could be `@Public`. */
const DOCUMENTATION = ['/docs', '/docs/*', '/openapi.json', '/openapi.yaml'];

/**
 * Authenticates every request before its body is read, including requests to routes that do not exist. The matched
 * route decides whether a request is public, never its URL: a URL can be written in many ways. Call this after CORS is
 * registered, because preflights have no credentials.
 */
export function authenticateRequests(fastify: FastifyInstance, auth: AuthService, mountPrefix: string): void {
  if (!auth.isOn) {
    return;
  }
  const open = new Set(DOCUMENTATION.map((route) => mountPrefix + route));
  fastify.addHook('onRequest', async (request) => {
    if (isPublic(request) || open.has(request.routeOptions.url ?? '')) {
      request.auth = ANONYMOUS;
      return;
    }
    request.authFailed = true;
    request.auth = await auth.authenticate(toRequest(request));
    request.authFailed = false;
  });
}

/** The request of the Fetch API that handlers receive. */
function toRequest(request: FastifyRequest): Request {
  const { method, url, headers } = request;
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((item): [string, string] => [name, item]),
  );
  return new Request(requestUrl(request, url), { method, headers: fields });
}
