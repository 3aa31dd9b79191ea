import type { FastifyInstance } from 'fastify';
import { MalformedJsonError, NestedTooDeeplyError } from '../errors/api-error.js';
import { DEEPEST_JSON, isDeeperThan } from './json-depth.js';

/**
 * Reads every body as JSON, whatever its content type says: clients send JSON as `text/plain` or without a type
 * (contract R9). An empty body is no body. Keys that could poison a prototype are refused by Fastify's parser.
 */
export function useJsonBodies(fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (body.trim() === '') {
      done(null, undefined);
      return;
    }
    if (isDeeperThan(DEEPEST_JSON, body)) {
      done(new NestedTooDeeplyError());
      return;
    }
    void parseJson(request, body, (error, value) => {
      if (error) {
        done(new MalformedJsonError(error.message));
      } else {
        done(null, value);
      }
    });
  });
}
