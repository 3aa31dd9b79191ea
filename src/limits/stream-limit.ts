import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ErrorBody, isInProcess, onClose } from '../http/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { callerKey } from './caller-key.js';
import { TooManyStreamsError } from './limits.errors.js';

/** Number of open responses of this process by caller. */
const open = new Map<string, number>();

/** Refuses a stream or wait before the route does any work, when the caller has too many of them open. */
@Injectable()
export class StreamLimitGuard implements CanActivate {
  private readonly limit: number;

  constructor(@Inject(CONFIG) { limits }: NestgraphConfig) {
    this.limit = limits.streams_per_caller;
  }

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (this.limit > 0 && !isInProcess(request.raw)) {
      this.take(callerKey(request), http.getResponse<FastifyReply>());
    }
    return true;
  }

  private take(caller: string, reply: FastifyReply): void {
    const before = open.get(caller) ?? 0;
    if (before >= this.limit) {
      throw new TooManyStreamsError(this.limit);
    }
    open.set(caller, before + 1);
    onClose(reply.raw, () => release(caller));
  }
}

function release(caller: string): void {
  const left = (open.get(caller) ?? 1) - 1;
  if (left > 0) {
    open.set(caller, left);
  } else {
    open.delete(caller);
  }
}

/** Limits how many responses of this route a caller may have open. For routes whose response lasts as long as a run. */
export const LimitConcurrentStreams = (): MethodDecorator =>
  applyDecorators(
    UseGuards(StreamLimitGuard),
    ApiResponse({ status: 429, type: ErrorBody, description: 'The caller has too many streams and waits open.' }),
  );
