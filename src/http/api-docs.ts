import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiResponse } from '@nestjs/swagger';
import { ErrorBody } from './errors/error-body.dto.js';

const REASONS: Record<number, string> = {
  400: 'The request is not valid for this resource.',
  404: 'The resource does not exist, or the caller may not see it.',
  409: 'The request conflicts with the current state of the resource.',
  413: 'The body is too large.',
  422: 'The request does not match its schema; `errors` lists the fields.',
};

/** Documents the error responses of a route. 422 applies to every route. */
export const ApiErrors = (...statuses: number[]): MethodDecorator & ClassDecorator =>
  applyDecorators(
    ...[...statuses, 422].map((status) => ApiResponse({ status, type: ErrorBody, description: REASONS[status] })),
  );

/** Documents a stream of server-sent events; its error responses are JSON. */
export const ApiEventStream = (): MethodDecorator =>
  ApiResponse({
    status: 200,
    description: 'Server-sent events.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  });

/** Documents a request body with an example that works against the bundled graphs. */
export const BodyExample = (type: new () => object, value: object, summary = 'Example'): MethodDecorator =>
  ApiBody({ type, examples: { example: { summary, value } } });
