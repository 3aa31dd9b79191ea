import { refuseCostlyJson } from '../common/index.js';
import type { ExportedApp } from './load-app.js';

/** What an app makes of a request. */
export interface Outcome {
  /** Its answer; absent when it has no route for the request, which goes on then. */
  response?: Response;
  /** What its middleware adds to our answer. */
  headers?: Headers;
  /** What the body has become, when a middleware has read it as JSON. */
  json?: unknown;
}

export type AskApp = (request: Request) => Promise<Outcome>;

/** As much of Hono as this server uses. */
interface HonoApp {
  fetch(request: Request, env: Passage): unknown;
  getPath: unknown;
  routes: unknown[];
  use(middleware: (context: HonoContext, next: () => Promise<void>) => Promise<void>): unknown;
  route(path: string, app: HonoApp): unknown;
  notFound(handler: (context: HonoContext) => unknown): unknown;
}

interface HonoContext {
  env: Passage;
  req: { json(): Promise<unknown>; text(): Promise<string> };
  body(text: null): Response;
}

const PASSAGE = Symbol('passage');

/** A request on its way through an app: Hono hands it on as its environment. */
interface Passage {
  [PASSAGE]: {
    json?: Promise<unknown>;
    /** Why its body was not parsed. */
    refusal?: Error;
    /** No route has answered. */
    passed?: { json: unknown };
  };
}

const isHono = (app: ExportedApp): app is HonoApp & ExportedApp => {
  const { routes, route, notFound, use } = app as Partial<HonoApp>;
  return Array.isArray(routes) && [route, notFound, use].every((method) => typeof method === 'function');
};

/** Apps of Hono read JSON with at most `maxValues` values; other apps parse bodies themselves. */
export const asking = (app: ExportedApp, maxValues: number): AskApp =>
  isHono(app) ? askingHono(app, maxValues) : askingFetch(app);

/** Says 404, or nothing, to what it does not know: whether it means a route or a thing of its own cannot be told. */
function askingFetch(app: ExportedApp): AskApp {
  const ask = (request: Request): unknown => (typeof app === 'function' ? app(request) : app.fetch(request));
  return async (request) => {
    const response = (await ask(request)) as Response | undefined;
    return response && response.status !== 404 ? { response } : {};
  };
}

/**
 * Mounts the app into another one of its own kind, of which we are the "not found" handler: middleware runs around
 * requests for our routes too, up to the moment in which ours begin.
 */
function askingHono(app: HonoApp, maxValues: number): AskApp {
  const outer = new (app.constructor as new () => HonoApp)();
  outer.getPath = app.getPath;
  outer.use(async ({ env: { [PASSAGE]: passage }, req }, next) => {
    const read = async (): Promise<unknown> => {
      const text = await req.text();
      passage.refusal = refuseCostlyJson(text, maxValues);
      if (passage.refusal) {
        throw passage.refusal;
      }
      return JSON.parse(text) as unknown;
    };
    // One object for everybody: what a middleware changes in it is what the next one, and then our route, finds.
    req.json = () => (passage.json ??= read());
    await next();
  });
  outer.route('/', app);
  outer.notFound(async (context) => {
    const passage = context.env[PASSAGE];
    // What is no JSON goes on as it came.
    passage.passed = { json: await passage.json?.catch(() => undefined) };
    return context.body(null);
  });
  return async (request) => {
    const env: Passage = { [PASSAGE]: {} };
    const response = (await outer.fetch(request, env)) as Response;
    const { passed, refusal } = env[PASSAGE];
    if (refusal) {
      // The app may have made something else of it.
      throw refusal;
    }
    // A middleware may have answered after all.
    return passed && response.ok && response.body === null ? { headers: response.headers, ...passed } : { response };
  };
}
