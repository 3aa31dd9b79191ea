import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import {
  type ApiError,
  HeadersTooLargeError,
  MethodNotAllowedError,
  RequestTimeoutError,
} from '../errors/api-error.js';

/** Methods that the Fetch API cannot express, in which auth modules and custom apps get requests. No route has them. */
const REFUSED_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Refuses methods that no route can have. To be called before anything else looks at a request. */
export function refuseMethods(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ method }, _reply, done) => {
    done(REFUSED_METHODS.has(method) ? new MethodNotAllowedError(method) : undefined);
  });
  // Node takes CONNECT for the beginning of a tunnel, never for a request.
  fastify.server.on('connect', (_request, socket) => end(socket, toRefusal(new MethodNotAllowedError('CONNECT'))));
}

/** Answers what did not become a request, with the status that Node would send, in the wire form of our errors. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
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
  // A client that is too slow to send may be too slow to read the answer, too.
  socket.end(`${head.join('\r\n')}\r\n\r\n${json}`, () => socket.destroy());
}
