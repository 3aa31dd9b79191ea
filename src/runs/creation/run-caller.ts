import type { FastifyRequest } from 'fastify';
import { authOf } from '../../auth/index.js';
import { type HeaderPatterns, pickHeaders } from '../../http/index.js';
import type { RunCaller } from '../run.entity.js';
import type { RunCreate } from '../dto/run-requests.dto.js';

/** The HTTP request that creates a run. */
export type CallingRequest = Pick<FastifyRequest, 'id' | 'headers' | 'auth' | 'raw'>;

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
