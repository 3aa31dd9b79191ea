import type { FastifyRequest } from 'fastify';
import { type AuthUser, authOf } from '../../auth/index.js';
import { type HeaderPatterns, pickHeaders } from '../../http/index.js';
import type { RunCreate } from './run-request.js';

/** The HTTP request that creates a run. */
export type CallingRequest = Pick<FastifyRequest, 'id' | 'headers' | 'auth' | 'raw'>;

/**
 * The caller of a run, as its graph may see it in `configurable`. It is stored with the run until the run has ended,
 * and nowhere else: not in the thread's config, not in checkpoints, not in responses.
 */
export interface RunCaller {
  /** Absent when no HTTP request created the run. */
  request_id?: string;
  headers: Record<string, string>;
  /** Absent without authentication. */
  user?: AuthUser;
  /** With a user: the authorised request, without `input` and `command`, which are in the run's kwargs. */
  request?: Omit<RunCreate, 'input' | 'command'>;
}

/** Keys in `configurable` that identify one run. Later runs never inherit them. */
export const RUN_SCOPED_KEYS = [
  'thread_id',
  'run_id',
  'graph_id',
  'assistant_id',
  'checkpoint_id',
  'checkpoint_ns',
  'checkpoint_map',
  'cron_id',
];

/** Keys that only authentication may set. A client must not be able to claim an identity. */
export const AUTH_KEYS = ['langgraph_auth_user', 'langgraph_auth_user_id', 'langgraph_auth_permissions'];

/**
 * Headers that graphs never get: credentials for this service or its platform, and names that only the server may set.
 */
const NEVER_FORWARDED = ['x-api-key', 'x-service-key', 'x-tenant-id', ...RUN_SCOPED_KEYS, ...AUTH_KEYS, '__*'];

/** The caller, with the headers that the configuration allows (contract 6.1, 7.32). */
export const callerOf = ({ id, headers, auth }: CallingRequest, { includes, excludes }: HeaderPatterns): RunCaller => ({
  request_id: id,
  user: authOf({ auth }).user,
  headers: pickHeaders(headers, { includes, excludes: [...excludes, ...NEVER_FORWARDED] }),
});

/** The caller with the request that is authorised again when the run starts. */
export const withRequest = (
  caller: RunCaller | null,
  { input: _, command: __, ...request }: RunCreate,
): RunCaller | null => (caller?.user ? { ...caller, request } : caller);

/** The keys that a caller adds to `configurable`. They override those of the request body (contract 6.3). */
export const callerKeys = (caller: RunCaller | null): Record<string, unknown> => {
  const { headers, request_id, user } = caller ?? { headers: {} };
  return {
    ...headers,
    ...(request_id !== undefined && { langgraph_request_id: request_id }),
    ...(user && {
      langgraph_auth_user: user,
      langgraph_auth_user_id: user.identity,
      langgraph_auth_permissions: user.permissions,
      // Graphs use `user_id` to store data by user, so a client must not set it freely.
      user_id: user.identity,
    }),
  };
};
