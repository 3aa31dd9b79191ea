import { refuseCostlyJson } from '../http/index.js';
import type { ExportedApp } from './load-app.js';

/** The result of calling the app with a request. */
export interface AppResult {
  /** The response of the app; absent when it has no route for the request, which then continues to our routes. */
  response?: Response;
  /** Headers that its middleware adds to our response. */
  headers?: Headers;
  /** The body after its middleware, when a middleware has read it as JSON. */
  json?: unknown;
}

export type CallApp = (request: Request) => Promise<AppResult>;

/** The part of Hono's API that this server uses. */
interface HonoApp {
  fetch(request: Request, env: RequestState): unknown;
  getPath: unknown;
  routes: unknown[];
  use(middleware: (context: HonoContext, next: () => Promise<void>) => Promise<void>): unknown;
  route(path: string, app: HonoApp): unknown;
  notFound(handler: (context: HonoContext) => unknown): unknown;
}

interface HonoContext {
  env: RequestState;
  req: { json(): Promise<unknown>; text(): Promise<string> };
  body(text: null): Response;
}

const STATE = Symbol('request state');

/** The state of a request in the app; Hono passes it on as the environment. */
interface RequestState {
  [STATE]: {
    json?: Promise<unknown>;
    /** Why its body was not parsed. */
    refusal?: Error;
    /** Set when no route of the app matched. */
    unmatched?: { json: unknown };
  };
}

const isHono = (app: ExportedApp): app is HonoApp & ExportedApp => {
  const { routes, route, notFound, use } = app as Partial<HonoApp>;
  return Array.isArray(routes) && [route, notFound, use].every((method) => typeof method === 'function');
};

/** A Hono app reads JSON with at most `maxValues` values; other apps parse bodies themselves. */
export const createCallApp = (app: ExportedApp, maxValues: number): CallApp =>
  isHono(app) ? callHono(app, maxValues) : callFetch(app);

/** A 404, or no response, counts as "no route": a missing route and a missing resource of the app look the same. */
function callFetch(app: ExportedApp): CallApp {
  const call = (request: Request): unknown => (typeof app === 'function' ? app(request) : app.fetch(request));
  return async (request) => {
    const response = (await call(request)) as Response | undefined;
    return response && response.status !== 404 ? { response } : {};
  };
}

/**
 * Mounts the app into an outer Hono app whose "not found" handler stands for our routes. So the middleware also runs
 * for requests to our routes, before they begin.
 */
function callHono(app: HonoApp, maxValues: number): CallApp {
  const outer = new (app.constructor as new () => HonoApp)();
  outer.getPath = app.getPath;
  outer.use(async ({ env: { [STATE]: state }, req }, next) => {
    const read = async (): Promise<unknown> => {
      const text = await req.text();
      state.refusal = refuseCostlyJson(text, maxValues);
      if (state.refusal) {
        throw state.refusal;
      }
      return JSON.parse(text) as unknown;
    };
    // One shared object: the next middleware, and then our route, gets the changes of a middleware.
    req.json = () => (state.json ??= read());
    await next();
  });
  outer.route('/', app);
  outer.notFound(async (context) => {
    const state = context.env[STATE];
    // A body that is not JSON continues unchanged.
    state.unmatched = { json: await state.json?.catch(() => undefined) };
    return context.body(null);
  });
  return async (request) => {
    const env: RequestState = { [STATE]: {} };
    const response = (await outer.fetch(request, env)) as Response;
    const { unmatched, refusal } = env[STATE];
    if (refusal) {
      // The app may have turned this error into another response.
      throw refusal;
    }
    // A middleware may have replaced the response of the "not found" handler.
    return unmatched && response.ok && response.body === null
      ? { headers: response.headers, ...unmatched }
      : { response };
  };
}
