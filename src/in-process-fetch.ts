import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IN_PROCESS } from './http/index.js';
import type { InjectOptions, LightMyRequestResponse as InjectedResponse } from 'fastify';

/** Globals that a `Client` of the SDK reads when it is created without a URL. */
const FETCH = Symbol.for('langgraph_api:fetch');
const URL_OF_API = Symbol.for('langgraph_api:url');

const globals = globalThis as Record<symbol, unknown>;

/** Statuses of responses without a body. */
const BODYLESS_STATUSES = new Set([204, 205, 304]);

type Inject = (options: InjectOptions) => Promise<InjectedResponse>;

/**
 * Lets graphs call this server without the network: requests are passed directly to the routes, and responses stream back as
 * they are written. Must be called before graphs are loaded. Graphs can send requests as soon as the server listens.
 */
export function shareServerWithGraphs(app: NestFastifyApplication, mountPrefix: string): void {
  // Bound to the current async context: in the context of a node, LangGraph would treat the requested run as a part of the
  // node's own run. Awaited inside, because light-my-request starts a request only when its promise is awaited.
  const inject: Inject = AsyncResource.bind(async (options: InjectOptions) => await app.inject(options));
  const isListening = (): boolean => app.getHttpServer().listening;
  globals[URL_OF_API] = `http://localhost${mountPrefix}`;
  globals[FETCH] = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (!isListening()) {
      throw new Error('The server has not started yet. Call it from nodes, not while a graph is being loaded.');
    }
    const address = typeof input === 'string' ? new URL(input, 'http://localhost') : input;
    return send(inject, new Request(address, init));
  };
}

/** In a worker, which has no routes, graphs call the API of other processes at this URL. */
export function shareAddressWithGraphs(url: string): void {
  globals[URL_OF_API] = url.replace(/\/$/, '');
}

async function send(inject: Inject, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const body = await request.arrayBuffer();
  const { statusCode, headers, raw, stream } = await inject({
    method: request.method,
    url: pathname + search,
    remoteAddress: IN_PROCESS,
    headers: Object.fromEntries(request.headers),
    ...(body.byteLength > 0 && { payload: Buffer.from(body) }),
    payloadAsStream: true,
    signal: request.signal,
  });
  const payload = stream();
  // If the graph stops reading, the request is aborted, as for a client that closes its connection.
  payload.once('close', () => raw.res.destroy());
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((item): [string, string] => [name, String(item)]),
  );
  return new Response(BODYLESS_STATUSES.has(statusCode) ? null : (Readable.toWeb(payload) as ReadableStream), {
    status: statusCode,
    headers: fields,
  });
}
