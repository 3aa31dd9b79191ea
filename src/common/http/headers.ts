import type { FastifyReply } from 'fastify';

/**
 * Where a run is found. SDKs take ids from these paths, so nothing may follow the run id, and no mount prefix or host
 * may stand before them (contract 0.3, R3, R4).
 */
export interface RunLocation {
  run_id: string;
  /** Absent for a stateless run, whose hidden thread clients never address. */
  thread_id?: string;
}

export const runPath = ({ thread_id, run_id }: RunLocation): string =>
  thread_id ? `/threads/${thread_id}/runs/${run_id}` : `/runs/${run_id}`;

/** `Content-Location` of a response that created or re-reads a run; `Location` where its output can be read again. */
export function runHeaders(run: RunLocation, reread?: 'stream' | 'join'): Record<string, string> {
  const path = runPath(run);
  return { 'content-location': path, ...(reread && { location: `${path}/${reread}` }) };
}

/** One page of a search. */
export interface Page<T> {
  rows: T[];
  /** Matches in all, before paging. */
  total: number;
}

/** `X-Pagination-Total`, and `X-Pagination-Next` while more rows follow (contract R5). */
export function sendPage<T>(reply: FastifyReply, { rows, total }: Page<T>, { offset }: { offset: number }): T[] {
  reply.header('x-pagination-total', String(total));
  const next = offset + rows.length;
  if (rows.length > 0 && next < total) {
    reply.header('x-pagination-next', String(next));
  }
  return rows;
}

/** `Prefer: return=minimal` asks for 204 without a body. */
export function returnPreferred<T>(reply: FastifyReply, prefer: string | undefined, value: T): T | undefined {
  if (!prefer?.includes('return=minimal')) {
    return value;
  }
  reply.status(204);
  return undefined;
}

/** An address without its query, which may hold what no log should. */
export const pathOf = (url: string): string => url.split('?', 1)[0];
