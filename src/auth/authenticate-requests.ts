import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requestUrl } from '../common/index.js';
import type { AuthService } from './auth.service.js';
import { NOBODY } from './auth-user.js';

/** Routes for everybody: what load balancers ask, and how to use the server (contract 6.3). */
export const PUBLIC = ['/ok', '/info', '/metrics', '/docs', '/docs/*', '/openapi.json', '/openapi.yaml'];

/**
 * Every request has to say who sends it, before its body is read, and also where there is no such route. What is public is
 * told by the route that will answer, never by the address: that may be written in many ways. To be called behind CORS:
 * preflights have no credentials.
 */
export function authenticateRequests(fastify: FastifyInstance, auth: AuthService, mountPrefix: string): void {
  if (!auth.isOn) {
    return;
  }
  const open = new Set(PUBLIC.map((route) => mountPrefix + route));
  fastify.addHook('onRequest', async (request) => {
    if (open.has(request.routeOptions.url ?? '')) {
      request.auth = NOBODY;
      return;
    }
    request.isRefused = true;
    request.auth = await auth.authenticate(toRequest(request));
    request.isRefused = false;
  });
}

/** As the Fetch API has it, which is what handlers are given. */
function toRequest(request: FastifyRequest): Request {
  const { method, url, headers } = request;
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((item): [string, string] => [name, item]),
  );
  return new Request(requestUrl(request, url), { method, headers: fields });
}
