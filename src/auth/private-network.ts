import type { FastifyInstance } from 'fastify';

/**
 * Browsers that enforce Private Network Access ask before a public page, such as LangGraph Studio, calls this machine. Which
 * pages may is decided by CORS: this only says that the server knows where it is.
 */
export function allowPrivateNetwork(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    const isAsked =
      request.method === 'OPTIONS' && request.headers['access-control-request-private-network'] === 'true';
    if (isAsked && reply.hasHeader('access-control-allow-origin')) {
      reply.header('access-control-allow-private-network', 'true');
    }
    done();
  });
}
