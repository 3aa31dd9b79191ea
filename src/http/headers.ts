import type { FastifyReply } from 'fastify';

/**
 * Identifies a run in response headers. SDKs parse ids from these paths: they must end with the run id, and must not start
 * with a mount prefix or host (contract 0.3, R3, R4).
 */
export interface RunLocation {
  run_id: string;
  /** Absent for a stateless run: clients never address its hidden thread. */
  thread_id?: string;
}

export const runPath = ({ thread_id, run_id }: RunLocation): string =>
  thread_id ? `/threads/${thread_id}/runs/${run_id}` : `/runs/${run_id}`;

/** `Content-Location`: the run that was created or re-read. `Location`: where a client can read its output again. */
export function runHeaders(run: RunLocation, reread?: 'stream' | 'join'): Record<string, string> {
  const path = runPath(run);
  return { 'content-location': path, ...(reread && { location: `${path}/${reread}` }) };
}

/** One page of a search. */
export interface Page<T> {
  rows: T[];
  /** Total number of matches, before paging. */
  total: number;
}

/** Sets `X-Pagination-Total`, and `X-Pagination-Next` if more rows follow (contract R5). */
export function sendPage<T>(reply: FastifyReply, { rows, total }: Page<T>, { offset }: { offset: number }): T[] {
  reply.header('x-pagination-total', String(total));
  const next = offset + rows.length;
  if (rows.length > 0 && next < total) {
    reply.header('x-pagination-next', String(next));
  }
  return rows;
}

/** `Prefer: return=minimal` requests 204 without a body. */
export function returnPreferred<T>(reply: FastifyReply, prefer: string | undefined, value: T): T | undefined {
  if (!prefer?.includes('return=minimal')) {
    return value;
  }
  reply.status(204);
  return undefined;
}

/** A URL without its query, which may contain data that must not be logged. */
export const pathOf = (url: string): string => url.split('?', 1)[0];
