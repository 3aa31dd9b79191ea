import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type ApiError, HeadersTooLargeError, MethodNotAllowedError, RequestTimeoutError } from '../common/index.js';

/** Methods that the Fetch API, which auth modules and custom apps use for requests, does not support. No route has them. */
const UNSUPPORTED_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Rejects methods that no route can have. Must be registered before all other hooks. */
export function rejectUnsupportedMethods(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ method }, _reply, done) => {
    done(UNSUPPORTED_METHODS.has(method) ? new MethodNotAllowedError(method) : undefined);
  });
  // Node emits CONNECT as a tunnel, never as a request.
  fastify.server.on('connect', (_request, socket) => end(socket, toRefusal(new MethodNotAllowedError('CONNECT'))));
}

/** Responds to input that is not a valid HTTP request: with Node's status, and a body in the form of all our errors. */
export function rejectMalformedRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  end(socket, refusalFor(error.code));
}

interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: { detail: string; code: string };
}

function refusalFor(reason: string | undefined): Refusal {
  switch (reason) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return toRefusal(new RequestTimeoutError());
    case 'HPE_HEADER_OVERFLOW':
      return toRefusal(new HeadersTooLargeError());
    default:
      return { status: 400, headers: {}, body: { detail: 'The request is not HTTP/1.1.', code: 'bad_request' } };
  }
}

const toRefusal = ({ status, headers, message: detail, code }: ApiError): Refusal => ({
  status,
  headers,
  body: { detail, code },
});

function end(socket: Duplex, { status, headers, body }: Refusal): void {
  const json = JSON.stringify(body);
  const fields = Object.entries({
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
    connection: 'close',
  });
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  // A client that is too slow to send may also be too slow to read the response.
  socket.end(`${head.join('\r\n')}\r\n\r\n${json}`, () => socket.destroy());
}
