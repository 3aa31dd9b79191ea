import type { FastifyInstance } from 'fastify';

/**
 * Answers Private Network Access preflights. Browsers that enforce it send them before a public page, such as LangGraph
 * Studio, calls this machine. CORS decides which pages may call; this only adds the header that the browser requires.
 */
export function allowPrivateNetwork(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    const isRequested =
      request.method === 'OPTIONS' && request.headers['access-control-request-private-network'] === 'true';
    if (isRequested && reply.hasHeader('access-control-allow-origin')) {
      reply.header('access-control-allow-private-network', 'true');
    }
    done();
  });
}
