import type { ArgumentMetadata, ExecutionContext, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { DtoValidationPipe } from './validation.pipe.js';

/** Parts of a request by the kind of decorator that injects them into a handler. */
const PARTS: Record<number, { name: 'params' | 'query' | 'body'; type: ArgumentMetadata['type'] } | undefined> = {
  [RouteParamtypes.PARAM]: { name: 'params', type: 'param' },
  [RouteParamtypes.QUERY]: { name: 'query', type: 'query' },
  [RouteParamtypes.BODY]: { name: 'body', type: 'body' },
};

const pipe = new DtoValidationPipe();

/**
 * Validates a request before its handler is called, with the result and in the order of {@link DtoValidationPipe}. Returns
 * the path parameters. Throws `ValidationFailedError`.
 */
export function validateRequest(context: ExecutionContext): Record<string, unknown> {
  const [controller, method] = [context.getClass(), context.getHandler().name];
  const injected = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { index: number }
  >;
  const types = Reflect.getMetadata('design:paramtypes', controller.prototype as object, method) as Type[];
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  let params: unknown = {};
  for (const [key, { index }] of Object.entries(injected)) {
    const part = PARTS[Number.parseInt(key, 10)];
    const value = part && pipe.transform(request[part.name], { type: part.type, metatype: types[index] });
    params = part?.name === 'params' ? value : params;
  }
  return params as Record<string, unknown>;
}
