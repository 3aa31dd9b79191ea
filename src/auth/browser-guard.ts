import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hostnameOf, isInProcess, isLoopback } from '../http/index.js';
import { type CorsConfig, type HostsConfig, namesServer } from '../config/index.js';
import { HostRefusedError, OriginRefusedError } from './auth.errors.js';

/** Hosted pages that users point at a server on their own machine: LangGraph Studio and Agent Chat. */
const HOSTED_PAGES: readonly string[] = ['https://smith.langchain.com', 'https://agentchat.vercel.app'];

/** At most so many log lines about refused origins, and as many about refused hosts. */
const MAX_REPORTS = 5;

/** An origin that a setting can name. `null` and malformed origins do not match. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]{1,300}$/i;

/**
 * Protects a server without authentication from the web pages that its user visits. Browsers send some requests without
 * a preflight, so a request from a page that may not read the response is refused before it has an effect. Callers
 * other than browsers send no origin.
 */
export class BrowserGuard {
  private readonly logger = new Logger('Http');
  private readonly reported = { origins: new Set<string>(), hosts: new Set<string>() };

  constructor(
    private readonly hosts: HostsConfig,
    private readonly cors: CorsConfig,
  ) {}

  /** Returns why the request is refused; undefined when it is allowed. */
  refusal(request: FastifyRequest): HostRefusedError | OriginRefusedError | undefined {
    if (isInProcess(request.raw)) {
      return undefined;
    }
    // DNS rebinding: a host name that later resolves to this machine turns a foreign page into a same-origin one.
    const { host } = request;
    // Browsers always send a Host header; some load balancer probes do not.
    if (request.headers.host !== undefined && !namesServer(this.hosts, host)) {
      this.reportHost(host);
      return new HostRefusedError();
    }
    const origin = originOf(request);
    if (origin === undefined || this.allows(origin) || isSameHost(origin, host)) {
      return undefined;
    }
    this.reportOrigin(origin);
    return new OriginRefusedError();
  }

  /** Whether pages of this origin may read responses. */
  allows(origin: string): boolean {
    const { allow_origin_regex, allow_origins } = this.cors;
    const isNamed = allow_origin_regex?.test(origin) ?? (allow_origins.includes('*') || allow_origins.includes(origin));
    return isNamed || HOSTED_PAGES.includes(origin) || isOfThisMachine(origin);
  }

  private reportHost(host: string): void {
    if (isNew(this.reported.hosts, host)) {
      this.logger.warn(
        `A request for the host ${quote(host)} was refused: this server does not require authentication, and foreign web ` +
          `pages can reach it under such a name. If the name is yours, set NESTGRAPH_ALLOWED_HOSTS=${hostnameOf(host) ?? 'NAME'}`,
      );
    }
  }

  private reportOrigin(origin: string): void {
    if (isNew(this.reported.origins, origin)) {
      this.logger.warn(
        `A web page of the origin ${quote(origin)} was refused: this server does not require authentication, so only pages ` +
          `of this machine may call it. ${this.remedy(origin)}`,
      );
    }
  }

  /** Explains how to allow the origin in langgraph.json. */
  private remedy(origin: string): string {
    const { allow_origin_regex, allow_origins } = this.cors;
    if (!ORIGIN.test(origin)) {
      return 'No setting can allow such an origin.';
    }
    if (allow_origin_regex) {
      return 'If the page is yours, extend http.cors.allow_origin_regex in langgraph.json to match its origin.';
    }
    const cors = { allow_origins: [...allow_origins, origin] };
    return `If the page is yours, add to langgraph.json: "http": ${JSON.stringify({ cors })}`;
  }
}

/**
 * Applies the guard to every request, preflights included. The CORS options must allow what {@link BrowserGuard.allows}
 * allows.
 */
export function guardBrowsers(fastify: FastifyInstance, guard: BrowserGuard): void {
  fastify.addHook('onRequest', (request, _reply, done) => done(guard.refusal(request)));
}

/**
 * The origin of the page that sent the request, as the browser reports it. Requests for images and scripts from another
 * site have no Origin header: they get the origin of the referrer, or `null`, which no setting can name.
 */
function originOf({ headers }: FastifyRequest): string | undefined {
  const { origin, referer = '' } = headers;
  const isHidden = headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] === 'no-cors';
  return origin ?? (isHidden ? (URL.canParse(referer) ? new URL(referer).origin : 'null') : undefined);
}

function isOfThisMachine(origin: string): boolean {
  const [, authority] = /^https?:\/\/(.*)$/.exec(origin) ?? [];
  const hostname = authority === undefined ? undefined : hostnameOf(authority);
  return hostname !== undefined && isLoopback(hostname);
}

/** Escapes and shortens a value for one log line. */
const quote = (value: string): string => JSON.stringify(value.slice(0, 300));

/** Whether the page is the server's own, mainly `/docs`, wherever the server listens. */
const isSameHost = (origin: string, host: string): boolean =>
  /^https?:\/\/(.*)$/.exec(origin)?.[1] === host.toLowerCase();

function isNew(reported: Set<string>, value: string): boolean {
  const isNew = !reported.has(value) && reported.size < MAX_REPORTS;
  if (isNew) {
    reported.add(value);
  }
  return isNew;
}
