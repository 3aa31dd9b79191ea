import type { FastifyInstance } from 'fastify';

/** Milliseconds that a client gets to send the rest of a body that was refused; then its connection is destroyed. */
const LINGER_TIMEOUT_MS = 30_000;

/**
 * Discards the rest of a body that was refused before it was read. Fastify closes the connection instead, and then a client
 * that still sends finds a broken connection and not the refusal.
 */
export function discardUnreadBodies(fastify: FastifyInstance): void {
  fastify.addHook('onSend', ({ raw }, reply, _payload, done) => {
    // Requests of this process have no such field.
    if (raw.complete === false && reply.getHeader('connection') === 'close') {
      reply.removeHeader('connection');
      raw.resume();
      const timer = setTimeout(() => raw.destroy(), LINGER_TIMEOUT_MS).unref();
      raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}
