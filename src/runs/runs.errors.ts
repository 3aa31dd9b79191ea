import { ApiError } from '../common/index.js';

/** The run does not exist on this thread, or the caller may not see it. */
export class RunNotFoundError extends ApiError {
  constructor(run_id: string) {
    super({ status: 404, code: 'run_not_found', detail: `Run not found: ${run_id}` });
  }
}

/** None of the runs to cancel is pending or running. */
export class NothingToCancelError extends ApiError {
  constructor() {
    super({ status: 404, code: 'nothing_to_cancel', detail: 'No pending or running run matches the request.' });
  }
}

/** Other requests update the assistant faster than this request can create a run from it. */
export class AssistantChangingError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 503,
      code: 'assistant_changing',
      detail: `Assistant ${assistant_id} was updated during each attempt to create the run. Retry after its updates.`,
      headers: { 'retry-after': '1' },
    });
  }
}

/** The webhook URL is well-formed, but the settings of this server forbid it. */
export class WebhookRefusedError extends ApiError {
  constructor(reason: string) {
    const errors = [{ path: 'webhook', message: reason }];
    super({ status: 422, code: 'webhook_refused', detail: `webhook: ${reason}`, errors });
  }
}

/**
 * A deadlock: a running run creates a run on its own thread and waits for it, while the new run waits for the first to
 * end.
 */
export class OwnThreadError extends ApiError {
  constructor(run_id: string, thread_id: string) {
    super({
      status: 409,
      code: 'run_on_own_thread',
      detail:
        `Run ${run_id} requests a run on its own thread ${thread_id}, which could start only after run ${run_id} has ended. ` +
        'Call the other graph on its own thread: set another configurable.thread_id where it is called.',
    });
  }
}

/** The run to delete is pending or running. */
export class RunActiveError extends ApiError {
  constructor(run_id: string) {
    super({ status: 409, code: 'run_active', detail: `Run ${run_id} is still active. Cancel it first.` });
  }
}

/** The queue of the thread is full. */
export class TooManyQueuedRunsError extends ApiError {
  constructor(thread_id: string, limit: number) {
    super({
      status: 429,
      code: 'too_many_queued_runs',
      detail: `Too many queued runs on thread ${thread_id}: ${limit} of ${limit}. Wait for some of them or cancel them, then retry.`,
    });
  }
}
