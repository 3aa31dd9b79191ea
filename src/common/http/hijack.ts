import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { trackOpenResponse } from './open-responses.js';

/**
 * Takes the response away from Fastify, with the status line and all headers, CORS and `x-request-id` included. They
 * still have to be flushed, so that clients see `Location` before the first byte of the body.
 */
export function hijack(reply: FastifyReply, headers: Record<string, string | string[]>, status = 200): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  // When a connection was to be closed anyway, clients take its end for the end of the answer, though it is broken off.
  response.removeHeader('connection');
  response.writeHead(status, { ...definedHeaders(reply), ...headers });
  trackOpenResponse(response);
  return response;
}

function definedHeaders(reply: FastifyReply): Record<string, string | number | string[]> {
  const entries = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string | number | string[]>;
}
