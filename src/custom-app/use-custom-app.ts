import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BodyTooLargeError } from '../common/index.js';
import { onClose, requestUrl } from '../http/index.js';
import type { CustomAppConfig, NestgraphConfig } from '../config/index.js';
import type { SourceReloader } from '../project-code/index.js';
import { createCallApp, type CallApp } from './call-app.js';
import { loadApp } from './load-app.js';
import { RequestBody } from './request-body.js';
import { sendResponse } from './send-response.js';

/**
 * Whether requests are authenticated before the app is called. Otherwise the app comes first, and only requests that it
 * does not handle are authenticated: its middleware and its routes are one function, and only its response shows
 * whether a request was for one of its routes.
 */
export const authenticatesBeforeApp = ({ authenticated, auth_first }: CustomAppConfig): boolean =>
  authenticated || auth_first;

/** Bodies that the app has read from requests that it did not handle; our routes read them again. */
const replayedBodies = new WeakMap<IncomingMessage, ReturnType<RequestBody['replay']>>();

/**
 * Calls the app of `http.app` before our own routes. The app responds, or the request continues to our routes, with
 * response headers and a changed body from its middleware. The app gets paths without the mount prefix, and only
 * requests below it.
 */
export async function useCustomApp(
  fastify: FastifyInstance,
  { http: { app }, server, project_directory }: NestgraphConfig,
  sources: SourceReloader,
): Promise<void> {
  if (!app) {
    return;
  }
  const { mount_prefix, body_limit_bytes, body_limit_values } = server;
  const load = async (generation?: number): Promise<CallApp> =>
    createCallApp(await loadApp(app, project_directory, generation), body_limit_values);
  let callApp = await load();
  sources.addPart({
    files: [app.file],
    // Active requests are answered by the app that they started with.
    reload: async (generation) => {
      callApp = await load(generation);
      return ['http.app'];
    },
  });
  fastify.addHook('onRequest', async (request, reply): Promise<void> => {
    const path = pathBelow(mount_prefix, request.url);
    if (path !== undefined) {
      await callAppFirst(callApp, request, reply, path, body_limit_bytes);
    }
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    done(null, replayedBodies.get(request.raw) ?? payload);
  });
}

const BODILESS = new Set(['GET', 'HEAD']);

async function callAppFirst(
  callApp: CallApp,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  bodyLimit: number,
): Promise<void> {
  const body = BODILESS.has(request.method) ? undefined : new RequestBody(request.raw, bodyLimit);
  const disconnected = new AbortController();
  onClose(reply.raw, () => disconnected.abort());
  const result = await callApp(toRequest(request, path, body, disconnected.signal));
  if (body?.isTooLarge) {
    // Closes the connection, because the client is still sending the body.
    void reply.header('connection', 'close');
    throw new BodyTooLargeError();
  }
  if (result.response) {
    onClose(reply.raw, () => void body?.discard());
    await sendResponse(reply, result.response);
    return;
  }
  result.headers?.forEach((value, name) => void reply.header(name, value));
  const again = body?.replay(result.json);
  if (again) {
    replayedBodies.set(request.raw, again);
  }
}

function toRequest(request: FastifyRequest, path: string, body: RequestBody | undefined, signal: AbortSignal): Request {
  return new Request(requestUrl(request, path), {
    method: request.method,
    headers: headersOf(request.raw),
    signal,
    ...(body && { body: body.stream, duplex: 'half' }),
  });
}

function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, at) => rawHeaders.slice(2 * at, 2 * at + 2));
  return pairs as [string, string][];
}

function pathBelow(prefix: string, url: string): string | undefined {
  const below = url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
  // `//host` would be parsed as another host.
  return below === undefined || !/^([/?]|$)/.test(below) ? undefined : below.replace(/^\/*/, '/');
}
