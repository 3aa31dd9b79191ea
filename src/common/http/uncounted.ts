import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests to this route are never counted against a limit. */
    uncounted?: boolean;
  }
}

/** Marks a route that load balancers poll: its requests are never counted, and never refused for their number. */
export const Uncounted = (): MethodDecorator => RouteConfig({ uncounted: true });

/** Whether the route that answers is marked {@link Uncounted}. The spelling of the address does not matter. */
export const isUncounted = ({ routeOptions }: Pick<FastifyRequest, 'routeOptions'>): boolean =>
  routeOptions.config?.uncounted === true;
