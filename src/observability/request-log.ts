import { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type HeaderPatterns, onClose, pathOf, pickHeaders } from '../http/index.js';

/** Names of headers that may carry credentials. The log contains these names without their values. */
const CREDENTIAL = /authorization|cookie|token|secret|passw|credential|signature|api-?key|service-key|auth-key/i;

/** Formats the headers of a request for one log line, with credentials masked. */
export function describeHeaders(headers: FastifyRequest['headers'], patterns: HeaderPatterns): string {
  return Object.entries(pickHeaders(headers, patterns))
    .map(([name, value]) => `${name}=${CREDENTIAL.test(name) ? '***' : JSON.stringify(value)}`)
    .join(' ');
}

/**
 * Logs every request when its response is closed: at level info with the headers of `http.logging_headers`, if
 * configured, and otherwise at level debug. Queries are not logged, because they may contain API keys.
 */
export class RequestLog {
  private readonly logger = new Logger('Http');

  constructor(private readonly patterns: HeaderPatterns | undefined) {}

  watch(request: FastifyRequest, reply: FastifyReply): void {
    const begin = performance.now();
    onClose(reply.raw, () => {
      const ms = Math.round(performance.now() - begin);
      const { method, url, id, headers } = request;
      const line = `${method} ${pathOf(url)} ${reply.raw.statusCode} ${ms} ms x-request-id=${id}`;
      if (this.patterns) {
        this.logger.log(`${line} ${describeHeaders(headers, this.patterns)}`.trimEnd());
      } else {
        this.logger.debug(line);
      }
    });
  }
}
