import { applyDecorators, type CanActivate, type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ErrorBody, isInProcess } from '../http/index.js';
import { callerKey } from './caller-key.js';
import { StreamLimit } from './stream-limit.js';

/** Refuses a stream or wait before the route does any work, when the caller has too many of them open. */
@Injectable()
export class StreamLimitGuard implements CanActivate {
  constructor(private readonly streams: StreamLimit) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (!isInProcess(request.raw)) {
      this.streams.take(callerKey(request), http.getResponse<FastifyReply>().raw);
    }
    return true;
  }
}

/** Limits how many responses of this route a caller may have open. For routes whose response lasts as long as a run. */
export const LimitConcurrentStreams = (): MethodDecorator =>
  applyDecorators(
    UseGuards(StreamLimitGuard),
    ApiResponse({ status: 429, type: ErrorBody, description: 'The caller has too many streams and waits open.' }),
  );
