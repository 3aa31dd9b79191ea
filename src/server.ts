import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import {
  allowPrivateNetwork,
  authenticateRequests,
  type AuthService,
  BrowserGuard,
  guardBrowsers,
  loadAuth,
} from './auth/index.js';
import {
  answersSent,
  ApiExceptionFilter,
  arrivalLimits,
  breakOffOpenResponses,
  canonicalTarget,
  discardUnreadBodies,
  dropWhenUnread,
  DtoValidationPipe,
  isLoopback,
  refuseBrokenRequest,
  refuseMethods,
  trackResponse,
  useJsonBodies,
} from './common/index.js';
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

/** A server that has not begun anything yet: `listen` loads the graphs and starts the worker. */
export async function createServer(config: NestgraphConfig, database: Database): Promise<NestFastifyApplication> {
  const { body_limit_bytes, request_timeout_ms, trust_proxy, cors, hosts, mount_prefix } = config.server;
  const adapter = new FastifyAdapter({
    bodyLimit: body_limit_bytes,
    ...arrivalLimits(request_timeout_ms),
    clientErrorHandler: refuseBrokenRequest,
    rewriteUrl: toCanonicalTarget,
    trustProxy: trust_proxy && [...trust_proxy],
    genReqId: requestId,
    // By then streams are broken off and requests are answered; what is left are idle connections.
    forceCloseConnections: true,
    return503OnClosing: false,
    frameworkErrors: refuseBadUrl,
    // Namespaces of subgraphs have a name for each level. Node limits the length of the whole request line.
    routerOptions: { maxParamLength: 10_000 },
  });
  const sources = reloaderOf(config);
  const auth = await loadAuth(config, sources);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forServer(config, database, { auth, sources, others: await loadUserModules(config) }),
    adapter,
    {
      logger: new NestgraphLogger(config.log),
      bodyParser: false,
      abortOnError: false,
    },
  );
  useJsonBodies(adapter.getInstance(), config.server.body_limit_values);
  const requestLog = new RequestLog(config.http.logging_headers);
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    trackResponse(reply.raw);
    dropWhenUnread(reply.raw);
    requestLog.watch(request, reply);
    done();
  });
  refuseMethods(adapter.getInstance());
  discardUnreadBodies(adapter.getInstance());
  adapter.getInstance().addHook('preClose', async () => {
    breakOffOpenResponses();
    await answersSent();
  });
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
 * Who is calling, and how often, before anything else; behind CORS, so that browsers may read a refusal, and ask before they
 * send. An app of the user comes first unless it wants to know its callers; then an address is counted, not a user.
 */
async function guard(
  fastify: FastifyInstance,
  config: NestgraphConfig,
  auth: AuthService,
  sources: SourceReloader,
): Promise<void> {
  const { mount_prefix } = config.server;
  const isAppFirst = config.http.app !== undefined && !authenticatesBeforeApp(config.http.app);
  // Plugins are loaded in their order: behind this one, CORS has its hooks.
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

/** An address with broken escapes does not get as far as a route. */
function refuseBadUrl(error: Error, _request: unknown, reply: FastifyReply): void {
  void reply.status(400).send({ detail: error.message, code: 'bad_request' });
}

/** The caller's own id when it is harmless to log and to return. */
function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function corsOptions(cors: CorsConfig, guard: BrowserGuard | undefined) {
  const anyOrigin = cors.allow_origin_regex === undefined && cors.allow_origins.includes('*');
  const named = cors.allow_origin_regex ?? [...cors.allow_origins];
  return {
    // Browsers refuse `*` together with credentials: the caller's origin is named instead.
    origin: anyOrigin ? cors.allow_credentials || '*' : guard ? originsOf(guard) : named,
    methods: [...cors.allow_methods],
    // Left out, it allows whatever a preflight asks for.
    ...(!cors.allow_headers.includes('*') && { allowedHeaders: [...cors.allow_headers] }),
    exposedHeaders: [...cors.expose_headers],
    credentials: cors.allow_credentials,
    maxAge: cors.max_age,
  };
}

/** Nest answers preflights before any hook of ours: what the guard does not allow is left to it. */
const originsOf =
  (guard: BrowserGuard) =>
  (origin: string | undefined, done: (error: Error | null, isAllowed: boolean) => void): void =>
    done(null, origin === undefined || guard.allows(origin));
