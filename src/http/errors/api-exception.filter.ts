import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../headers.js';
import {
  ApiError,
  BodyTooLargeError,
  NestedTooDeeplyError,
  RequestAbortedError,
  describeError,
  errorStack,
  readField,
  toInspectable,
} from '../../common/index.js';
import type { ErrorBody } from './error-body.dto.js';

/** Converts any error thrown before the response has started to `{detail, code}`. */
@Catch()
export class ApiExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const exception = toInspectable(thrown);
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    const { status, body } = toErrorResponse(exception);
    if (status >= 500) {
      this.logger.error(`${request.method} ${pathOf(request.url)} x-request-id=${request.id}`, errorStack(exception));
    }
    if (exception instanceof ApiError) {
      reply.headers(exception.headers);
    }
    void reply.status(status).type('application/json').send(JSON.stringify(body));
  }
}

/** Codes for exceptions of Nest, which mostly come from guards of the project. */
const KNOWN = [
  { status: 401, code: 'unauthenticated' },
  { status: 403, code: 'forbidden' },
  { status: 404, code: 'not_found' },
];

function toErrorResponse(exception: unknown): { status: number; body: ErrorBody } {
  if (exception instanceof ApiError) {
    const { status, message: detail, code, errors } = exception;
    return { status, body: { detail, code, ...(errors && { errors }) } };
  }
  if (isBodyTooLarge(exception)) {
    return toErrorResponse(new BodyTooLargeError());
  }
  if (isAborted(exception)) {
    return toErrorResponse(new RequestAbortedError());
  }
  if (isNestedTooDeeply(exception)) {
    return toErrorResponse(new NestedTooDeeplyError());
  }
  if (exception instanceof HttpException && exception.getStatus() < 500) {
    const status = exception.getStatus();
    const { code } = KNOWN.find((one) => one.status === status) ?? { code: 'bad_request' };
    return { status, body: { detail: exception.message, code } };
  }
  return { status: 500, body: { detail: 'Internal server error', code: 'internal_error' } };
}

const isBodyTooLarge = (exception: unknown): boolean =>
  exception instanceof HttpException && exception.getStatus() === 413;

/** Node's error for a request whose client has disconnected. No other error has this code and message. */
const isAborted = (exception: unknown): boolean =>
  exception instanceof Error &&
  'code' in exception &&
  exception.code === 'ECONNRESET' &&
  exception.message === 'aborted';

/** The first code that traverses the value runs out of stack: this process, or PostgreSQL (SQLSTATE 54001). */
const isNestedTooDeeply = (exception: unknown): boolean =>
  (exception instanceof RangeError && describeError(exception).message.includes('call stack')) ||
  (exception instanceof Error && readField(exception, 'code') === '54001');
