import type { FastifyInstance } from 'fastify';
import { type ApiError, MalformedJsonError, NestedTooDeeplyError, TooManyValuesError } from '../common/index.js';
import { exceededBound, MAX_JSON_DEPTH } from './json-bounds.js';

/**
 * Parses every body as JSON regardless of its content type: clients send JSON as `text/plain` or without a type (contract
 * R9). An empty body counts as absent. JSON that is too expensive to parse is rejected before it is parsed. Fastify's parser
 * rejects keys that could poison a prototype.
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

/** The error for JSON that is too expensive to parse; undefined if it may be parsed. */
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

/** Not `trim`, which copies a large body. */
const isBlank = (body: string): boolean => !/\S/.test(body);
