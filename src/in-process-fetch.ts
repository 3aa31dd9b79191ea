import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IN_PROCESS } from './common/index.js';
import type { InjectOptions, LightMyRequestResponse as InjectedResponse } from 'fastify';

/** Where a `Client` of the SDK that is made without an address looks, when it is made. */
const FETCH = Symbol.for('langgraph_api:fetch');
const URL_OF_API = Symbol.for('langgraph_api:url');

const globals = globalThis as Record<symbol, unknown>;

/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 205, 304]);

type Inject = (options: InjectOptions) => Promise<InjectedResponse>;

/**
 * Lets graphs call this server without the network: what they send goes straight to the routes, and answers stream back
 * as they are written. Has to be there before graphs are loaded; they may call once the server listens.
 */
export function shareServerWithGraphs(app: NestFastifyApplication, mountPrefix: string): void {
  // In the async context of this moment: in that of a node, LangGraph would take the run it asks for as a part of its
  // own. Awaited inside, because a request begins only when somebody waits for it.
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

/** In a worker, which serves no routes, graphs call the API of other processes. */
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
  // Whoever stops reading leaves, as a client does that closes its connection.
  payload.once('close', () => raw.res.destroy());
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((item): [string, string] => [name, String(item)]),
  );
  return new Response(BODILESS.has(statusCode) ? null : (Readable.toWeb(payload) as ReadableStream), {
    status: statusCode,
    headers: fields,
  });
}
