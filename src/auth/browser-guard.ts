import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hostnameOf, isInProcess, isLoopback } from '../common/index.js';
import { type CorsConfig, type HostsConfig, namesServer } from '../config/index.js';
import { HostRefusedError, OriginRefusedError } from './auth.errors.js';

/** Hosted pages that users point at a server on their own machine: LangGraph Studio and Agent Chat. */
const HOSTED_PAGES: readonly string[] = ['https://smith.langchain.com', 'https://agentchat.vercel.app'];

/** Lines of the log about refused origins, and about refused hosts. */
const MAX_REPORTS = 5;

/** What a page cannot be named by: `null`, and whatever is no origin. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]{1,300}$/i;

/**
 * Guards a server that asks no caller for credentials from the web pages that its user visits. A request of a page that
 * may not read the answer is refused before it has an effect: browsers send some without asking first. Callers that are no
 * browsers send no origin.
 */
export class BrowserGuard {
  private readonly logger = new Logger('Http');
  private readonly reported = { origins: new Set<string>(), hosts: new Set<string>() };

  constructor(
    private readonly hosts: HostsConfig,
    private readonly cors: CorsConfig,
  ) {}

  /** Why the request is refused; undefined when it is not. */
  refusal(request: FastifyRequest): HostRefusedError | OriginRefusedError | undefined {
    if (isInProcess(request.raw)) {
      return undefined;
    }
    // A name that resolves to this machine at last makes a foreign page one of the same origin (DNS rebinding).
    const { host } = request;
    // Browsers always send one; some probes of load balancers do not.
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

  /** Whether pages of this origin may read answers. */
  allows(origin: string): boolean {
    const { allow_origin_regex, allow_origins } = this.cors;
    const isNamed = allow_origin_regex?.test(origin) ?? (allow_origins.includes('*') || allow_origins.includes(origin));
    return isNamed || HOSTED_PAGES.includes(origin) || isOfThisMachine(origin);
  }

  private reportHost(host: string): void {
    if (isNew(this.reported.hosts, host)) {
      this.logger.warn(
        `A request for the host ${quote(host)} was refused: no caller has to authenticate here, and foreign web ` +
          `pages can reach this server under such a name. If the name is yours: NESTGRAPH_ALLOWED_HOSTS=${hostnameOf(host) ?? 'NAME'}`,
      );
    }
  }

  private reportOrigin(origin: string): void {
    if (isNew(this.reported.origins, origin)) {
      this.logger.warn(
        `A web page of the origin ${quote(origin)} was refused: no caller has to authenticate here, so only pages ` +
          `of this machine may call. ${this.remedy(origin)}`,
      );
    }
  }

  /** The line of langgraph.json that would allow the origin. */
  private remedy(origin: string): string {
    const { allow_origin_regex, allow_origins } = this.cors;
    if (!ORIGIN.test(origin)) {
      return 'Such a page cannot be allowed by its name.';
    }
    if (allow_origin_regex) {
      return 'If the page is yours, let http.cors.allow_origin_regex in langgraph.json match its origin.';
    }
    const cors = { allow_origins: [...allow_origins, origin] };
    return `If the page is yours, write into langgraph.json: "http": ${JSON.stringify({ cors })}`;
  }
}

/** Refuses what the guard refuses, also preflights: the CORS options must leave those of {@link BrowserGuard.allows} alone. */
export function guardBrowsers(fastify: FastifyInstance, guard: BrowserGuard): void {
  fastify.addHook('onRequest', (request, _reply, done) => done(guard.refusal(request)));
}

/**
 * The page that a request comes from, as the browser says. Images and scripts of another site come without an origin: then
 * it is that of the referrer, or one that no setting can name.
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

/** On one line of the log, and not at any length. */
const quote = (value: string): string => JSON.stringify(value.slice(0, 300));

/** The server's own pages, `/docs` above all, wherever it listens. */
const isSameHost = (origin: string, host: string): boolean =>
  /^https?:\/\/(.*)$/.exec(origin)?.[1] === host.toLowerCase();

function isNew(reported: Set<string>, value: string): boolean {
  const isNew = !reported.has(value) && reported.size < MAX_REPORTS;
  if (isNew) {
    reported.add(value);
  }
  return isNew;
}
