import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type {} from './open-responses.js';

/**
 * Takes the response over from Fastify with its status line and all headers, including CORS and `x-request-id`. The caller
 * still has to flush them, so that clients receive `Location` before the first byte of the body.
 */
export function hijack(reply: FastifyReply, headers: Record<string, string | string[]>, status = 200): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  // With `connection: close`, clients would mistake an aborted response for a complete one.
  response.removeHeader('connection');
  response.writeHead(status, { ...definedHeaders(reply), ...headers });
  reply.server.openResponses.trackHijacked(response);
  return response;
}

function definedHeaders(reply: FastifyReply): Record<string, string | number | string[]> {
  const entries = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string | number | string[]>;
}
