/** The columns that a claim returns. */
export const CLAIMED_COLUMNS = `run_id, thread_id, assistant_id, caller_key, kwargs, metadata, caller, delivery, attempt,
                                lease_token, on_thread IS NOT NULL AS stamps_thread`;

/** True for the pending run `r` when its thread has neither a running run nor a pending one that is due earlier. */
export const IS_HEAD_OF_THREAD = `NOT EXISTS (
  SELECT FROM runs o WHERE o.thread_id = r.thread_id AND o.run_id <> r.run_id
    AND (o.status = 'running' OR o.status = 'pending' AND (o.due_at, o.run_id) < (r.due_at, r.run_id)))`;
