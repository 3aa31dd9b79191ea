import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { AuthService } from './auth.service.js';
import { NOBODY } from './auth-user.js';

/** Routes for everybody: what load balancers ask, and how to use the server (contract 6.3). */
const PUBLIC = ['/ok', '/info', '/metrics', '/docs', '/docs/*', '/openapi.json', '/openapi.yaml'];

/**
 * Every request has to say who sends it, before its body is read, and also where there is no such route. What is public is
 * told by the route that will answer, never by the address: that may be written in many ways.
 */
export function authenticateRequests(fastify: FastifyInstance, auth: AuthService, mountPrefix: string): void {
  if (!auth.isOn) {
    return;
  }
  const open = new Set(PUBLIC.map((route) => mountPrefix + route));
  const plugin: FastifyPluginCallback = (instance, _options, done) => {
    instance.addHook('onRequest', async (request) => {
      request.auth = open.has(request.routeOptions.url ?? '') ? NOBODY : await auth.authenticate(toRequest(request));
    });
    done();
  };
  // As a plugin, so that it comes after that of CORS: preflights have no credentials. For all routes, not only its own.
  fastify.register(Object.assign(plugin, { [Symbol.for('skip-override')]: true }));
}

/** As the Fetch API has it, which is what handlers are given. */
function toRequest({ method, url, headers, host, protocol }: FastifyRequest): Request {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((item): [string, string] => [name, item]),
  );
  return new Request(new URL(url, `${protocol}://${host || 'localhost'}`), { method, headers: fields });
}
