import type { FastifyInstance } from 'fastify';
import { type ApiError, MalformedJsonError, NestedTooDeeplyError, TooManyValuesError } from '../errors/api-error.js';
import { exceededBound, MAX_JSON_DEPTH } from './json-bounds.js';

/**
 * Reads every body as JSON, whatever its content type says: clients send JSON as `text/plain` or without a type
 * (contract R9). An empty body is no body. What would be too much to parse is refused before it is parsed; keys that could
 * poison a prototype are refused by Fastify's parser.
 */
export function useJsonBodies(fastify: FastifyInstance, maxValues: number): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (isBlank(body)) {
      done(null, undefined);
      return;
    }
    const refusal = refuseCostlyJson(body, maxValues);
    if (refusal) {
      done(refusal);
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

/** Why this JSON text must not be parsed; undefined when it may be. */
export function refuseCostlyJson(json: string, maxValues: number): ApiError | undefined {
  switch (exceededBound(json, { depth: MAX_JSON_DEPTH, values: maxValues })) {
    case 'depth':
      return new NestedTooDeeplyError();
    case 'values':
      return new TooManyValuesError(maxValues);
    case undefined:
      return undefined;
  }
}

/** Without the copy that `trim` makes of a large body. */
const isBlank = (body: string): boolean => !/\S/.test(body);
