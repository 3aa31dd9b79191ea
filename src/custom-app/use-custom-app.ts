import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BodyTooLargeError, onClose, requestUrl } from '../common/index.js';
import type { CustomAppConfig, NestgraphConfig } from '../config/index.js';
import type { SourceReloader } from '../project-code/index.js';
import { asking, type AskApp } from './ask-app.js';
import { loadApp } from './load-app.js';
import { RequestBody } from './request-body.js';
import { sendResponse } from './send-response.js';

/**
 * Whether somebody who is not authenticated is refused before the app is asked. Without it the app comes first, and
 * whatever it does not answer is refused then: its middleware and its routes are one function, and only its answer tells
 * which of them a request was for.
 */
export const authenticatesBeforeApp = ({ authenticated, auth_first }: CustomAppConfig): boolean =>
  authenticated || auth_first;

/** Bodies that an app has read before it let the request go on. */
const readAgain = new WeakMap<IncomingMessage, ReturnType<RequestBody['replay']>>();

/**
 * Asks the app of `http.app` before our own routes: it answers, or lets the request go on with headers for its answer and
 * a changed body. It sees paths without the mount prefix, and nothing outside of that.
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
  const load = async (generation?: number): Promise<AskApp> =>
    asking(await loadApp(app, project_directory, generation), body_limit_values);
  let ask = await load();
  sources.addPart({
    name: 'http.app',
    files: [app.file],
    // Requests in flight are answered by the app that they began with.
    reload: async (generation) => {
      ask = await load(generation);
      return undefined;
    },
  });
  fastify.addHook('onRequest', async (request, reply): Promise<void> => {
    const path = pathBelow(mount_prefix, request.url);
    if (path !== undefined) {
      await askFirst(ask, request, reply, path, body_limit_bytes);
    }
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    done(null, readAgain.get(request.raw) ?? payload);
  });
}

const BODILESS = new Set(['GET', 'HEAD']);

async function askFirst(
  ask: AskApp,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  bodyLimit: number,
): Promise<void> {
  const body = BODILESS.has(request.method) ? undefined : new RequestBody(request.raw, bodyLimit);
  const leaving = new AbortController();
  onClose(reply.raw, () => leaving.abort());
  const outcome = await ask(toRequest(request, path, body, leaving.signal));
  if (body?.isTooLarge) {
    // More of it is on its way.
    void reply.header('connection', 'close');
    throw new BodyTooLargeError();
  }
  if (outcome.response) {
    onClose(reply.raw, () => void body?.discard());
    await sendResponse(reply, outcome.response);
    return;
  }
  outcome.headers?.forEach((value, name) => void reply.header(name, value));
  const again = body?.replay(outcome.json);
  if (again) {
    readAgain.set(request.raw, again);
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
  // `//host` would be an address of its own.
  return below === undefined || !/^([/?]|$)/.test(below) ? undefined : below.replace(/^\/*/, '/');
}
