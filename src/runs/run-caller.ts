import type { FastifyRequest } from 'fastify';
import { type AuthUser, authOf } from '../auth/index.js';
import { type HeaderPatterns, pickHeaders } from '../common/index.js';
import type { RunCreate } from './run-request.js';

/** The request that asks for a run. */
export type CallingRequest = Pick<FastifyRequest, 'id' | 'headers' | 'auth' | 'raw'>;

/**
 * Who has asked for a run, as far as its graph may know. The graph finds it in `configurable`. It is kept beside the run
 * until that has ended, and goes nowhere else: not into the thread's config, not into checkpoints, not into answers.
 */
export interface RunCaller {
  /** Absent when no request has asked for the run. */
  request_id?: string;
  headers: Record<string, string>;
  /** Absent without authentication. */
  user?: AuthUser;
  /** With a user: what was decided about, without `input` and `command`, which the run has. */
  request?: Omit<RunCreate, 'input' | 'command'>;
}

/** Names in `configurable` that say which execution it is: never inherited by later runs. */
export const ONE_RUN_ONLY = [
  'thread_id',
  'run_id',
  'graph_id',
  'assistant_id',
  'checkpoint_id',
  'checkpoint_ns',
  'checkpoint_map',
  'cron_id',
];

/** Names that only authentication may set; without it nobody may claim an identity. */
export const AUTH_KEYS = ['langgraph_auth_user', 'langgraph_auth_user_id', 'langgraph_auth_permissions'];

/** Keys to this service or its platform, which are no graph's business, and headers that would pass for the server's word. */
const NEVER_SEEN = ['x-api-key', 'x-service-key', 'x-tenant-id', ...ONE_RUN_ONLY, ...AUTH_KEYS, '__*'];

/** The caller, with the headers that the configuration lets through (contract 6.1, 7.32). */
export const callerOf = ({ id, headers, auth }: CallingRequest, { includes, excludes }: HeaderPatterns): RunCaller => ({
  request_id: id,
  user: authOf({ auth }).user,
  headers: pickHeaders(headers, { includes, excludes: [...excludes, ...NEVER_SEEN] }),
});

/** The caller with what is decided again when the run begins. */
export const withRequest = (
  caller: RunCaller | null,
  { input: _, command: __, ...request }: RunCreate,
): RunCaller | null => (caller?.user ? { ...caller, request } : caller);

/** What a caller adds to `configurable`; it wins over what the request's body says under the same name (contract 6.3). */
export const callerKeys = (caller: RunCaller | null): Record<string, unknown> => {
  const { headers, request_id, user } = caller ?? { headers: {} };
  return {
    ...headers,
    ...(request_id !== undefined && { langgraph_request_id: request_id }),
    ...(user && {
      langgraph_auth_user: user,
      langgraph_auth_user_id: user.identity,
      langgraph_auth_permissions: user.permissions,
      // Graphs that keep things by user must not believe whoever claims to be one.
      user_id: user.identity,
    }),
  };
};
