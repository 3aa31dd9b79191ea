import type { FastifyRequest } from 'fastify';
import { extendRouteConfig } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests to this route do not count against a rate limit. */
    uncounted?: boolean;
  }
}

/** Exempts a route that load balancers poll from rate limits. */
export const Uncounted = (): MethodDecorator => extendRouteConfig({ uncounted: true });

/** Whether the route of a request is marked {@link Uncounted}, regardless of the spelling of the URL. */
export const isUncounted = ({ routeOptions }: Pick<FastifyRequest, 'routeOptions'>): boolean =>
  routeOptions.config?.uncounted === true;
