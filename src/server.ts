import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import {
  allowPrivateNetwork,
  assertPermissionsDeclared,
  authenticateRequests,
  type AuthService,
  BrowserGuard,
  guardBrowsers,
  loadAuth,
} from './auth/index.js';
import {
  ApiExceptionFilter,
  requestTimeouts,
  canonicalTarget,
  discardUnreadBodies,
  destroyStalledResponse,
  DtoValidationPipe,
  isLoopback,
  rejectMalformedRequest,
  rejectUnsupportedMethods,
  OpenResponses,
  useJsonBodies,
} from './http/index.js';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CorsConfig, NestgraphConfig } from './config/index.js';
import { authenticatesBeforeApp, useCustomApp } from './custom-app/index.js';
import type { Database } from './database/index.js';
import { shareServerWithGraphs } from './in-process-fetch.js';
import { limitAuthFailures, limitRequests, prepareLimits } from './limits/index.js';
import { NestgraphLogger, RequestLog } from './observability/index.js';
import { serveApiDocs } from './openapi.js';
import { SourceReloader } from './project-code/index.js';
import { loadUserModules } from './user-modules.js';

/** Creates a server that is not started yet: `listen` loads the graphs and starts the worker. */
export async function createServer(config: NestgraphConfig, database: Database): Promise<NestFastifyApplication> {
  const { body_limit_bytes, request_timeout_ms, trust_proxy, cors, hosts, mount_prefix } = config.server;
  const adapter = new FastifyAdapter({
    bodyLimit: body_limit_bytes,
    ...requestTimeouts(request_timeout_ms),
    clientErrorHandler: rejectMalformedRequest,
    rewriteUrl: toCanonicalTarget,
    trustProxy: trust_proxy && [...trust_proxy],
    genReqId: requestId,
    // At that point streams are aborted and requests are answered: only idle connections remain.
    forceCloseConnections: true,
    return503OnClosing: false,
    frameworkErrors: refuseBadUrl,
    // Namespaces of subgraphs contain a name per level. Node limits the length of the whole request line.
    routerOptions: { maxParamLength: 10_000 },
  });
  const sources = reloaderOf(config);
  const auth = await loadAuth(config, sources);
  const userModules = await loadUserModules(config);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forServer(config, database, { auth, sources, others: userModules }),
    adapter,
    {
      logger: new NestgraphLogger(config.log),
      bodyParser: false,
      abortOnError: false,
    },
  );
  assertPermissionsDeclared(app.get(ModulesContainer), userModules);
  useJsonBodies(adapter.getInstance(), config.server.body_limit_values);
  const responses = app.get(OpenResponses);
  const requestLog = new RequestLog(config.http.logging_headers);
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    responses.track(reply.raw);
    destroyStalledResponse(reply.raw);
    requestLog.watch(request, reply);
    done();
  });
  rejectUnsupportedMethods(adapter.getInstance());
  discardUnreadBodies(adapter.getInstance());
  responses.attachTo(adapter.getInstance());
  const browserGuard = hosts && new BrowserGuard(hosts, cors);
  if (browserGuard) {
    guardBrowsers(adapter.getInstance(), browserGuard);
  }
  if (config.command === 'dev' && isLoopback(config.server.host)) {
    allowPrivateNetwork(adapter.getInstance());
  }
  app.setGlobalPrefix(mount_prefix);
  app.enableCors(corsOptions(cors, browserGuard));
  await guard(adapter.getInstance(), config, auth, sources);
  shareServerWithGraphs(app, mount_prefix);
  app.useGlobalFilters(new ApiExceptionFilter());
  app.useGlobalPipes(new DtoValidationPipe());
  if (!config.http.disabled.includes('meta')) {
    serveApiDocs(app, config);
  }
  return app;
}

/** Parts that cannot be exchanged while the process runs are added here, the other ones where they are loaded. */
function reloaderOf(config: NestgraphConfig): SourceReloader {
  const sources = new SourceReloader(config);
  const embed = config.store.index?.embed;
  sources.addFixedPart({ name: 'nest.modules', files: config.nest_modules.map(({ file }) => file) });
  sources.addFixedPart({ name: 'store.index.embed', files: embed && 'file' in embed ? [embed.file] : [] });
  return sources;
}

/**
 * Registers authentication and rate limits before all routes, but after CORS, so that browsers can read error responses and
 * send preflights. A custom app without authentication runs before authentication; rate limits then count addresses instead
 * of users.
 */
async function guard(
  fastify: FastifyInstance,
  config: NestgraphConfig,
  auth: AuthService,
  sources: SourceReloader,
): Promise<void> {
  const { mount_prefix } = config.server;
  const isAppFirst = config.http.app !== undefined && !authenticatesBeforeApp(config.http.app);
  // Plugins are loaded in order: after this one, the hooks of CORS are registered.
  await fastify.register(() => Promise.resolve());
  await prepareLimits(fastify, config.limits);
  limitAuthFailures(fastify, config.limits);
  if (!isAppFirst) {
    authenticateRequests(fastify, auth, mount_prefix);
  }
  limitRequests(fastify, config.limits);
  await useCustomApp(fastify, config, sources);
  if (isAppFirst) {
    authenticateRequests(fastify, auth, mount_prefix);
  }
}

const toCanonicalTarget = ({ url }: { url?: string }): string => canonicalTarget(url ?? '/');

/** A URL with invalid escapes does not reach a route. */
function refuseBadUrl(error: Error, _request: unknown, reply: FastifyReply): void {
  void reply.status(400).send({ detail: error.message, code: 'bad_request' });
}

/** The request id of the caller, if it is safe to log and to return. */
function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function corsOptions(cors: CorsConfig, guard: BrowserGuard | undefined) {
  const anyOrigin = cors.allow_origin_regex === undefined && cors.allow_origins.includes('*');
  const named = cors.allow_origin_regex ?? [...cors.allow_origins];
  return {
    // Browsers reject `*` together with credentials: the response contains the caller's origin instead.
    origin: anyOrigin ? cors.allow_credentials || '*' : guard ? originsOf(guard) : named,
    methods: [...cors.allow_methods],
    // If absent, all headers requested by a preflight are allowed.
    ...(!cors.allow_headers.includes('*') && { allowedHeaders: [...cors.allow_headers] }),
    exposedHeaders: [...cors.expose_headers],
    credentials: cors.allow_credentials,
    maxAge: cors.max_age,
  };
}

/** Nest handles preflights before the hook of the guard: therefore its CORS options call the guard. */
const originsOf =
  (guard: BrowserGuard) =>
  (origin: string | undefined, done: (error: Error | null, isAllowed: boolean) => void): void =>
    done(null, origin === undefined || guard.allows(origin));
