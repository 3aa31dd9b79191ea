import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiResponse } from '@nestjs/swagger';
import { ErrorBody } from '../errors/error-body.dto.js';

const REASONS: Record<number, string> = {
  400: 'The request cannot be carried out on this object.',
  404: 'Not there, or not visible to the caller.',
  409: 'In conflict with what is there.',
  413: 'The body is too large.',
  422: 'The request does not fit its schema; `errors` names the fields.',
};

/** Documents the error responses of a route. 422 belongs to every route with input. */
export const ApiErrors = (...statuses: number[]): MethodDecorator & ClassDecorator =>
  applyDecorators(
    ...[...statuses, 422].map((status) => ApiResponse({ status, type: ErrorBody, description: REASONS[status] })),
  );

/** Documents a stream of server-sent events; its refusals are JSON. */
export const ApiEventStream = (): MethodDecorator =>
  ApiResponse({
    status: 200,
    description: 'Server-sent events.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  });

/** Documents a request body with an example that works against the bundled graphs. */
export const BodyExample = (type: new () => object, value: object, summary = 'Example'): MethodDecorator =>
  ApiBody({ type, examples: { example: { summary, value } } });
