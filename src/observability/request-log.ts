import { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type HeaderPatterns, onClose, pathOf, pickHeaders } from '../common/index.js';

/** Headers that admit somebody, by any name they may have: a log says that they were there, and no more. */
const CREDENTIAL = /authorization|cookie|token|secret|passw|credential|signature|api-?key|service-key|auth-key/i;

/** What a request says of itself, for one line of a log. */
export function describeHeaders(headers: FastifyRequest['headers'], patterns: HeaderPatterns): string {
  return Object.entries(pickHeaders(headers, patterns))
    .map(([name, value]) => `${name}=${CREDENTIAL.test(name) ? '***' : JSON.stringify(value)}`)
    .join(' ');
}

/**
 * Logs every request when its response is closed: with the headers of `http.logging_headers`, if there is such a filter, else
 * only in detail. Queries stay out, as they may hold keys.
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
