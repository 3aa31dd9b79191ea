import { ApiError } from '../common/index.js';

/** There is no such run on this thread, or the caller may not see it. */
export class RunNotFoundError extends ApiError {
  constructor(run_id: string) {
    super({ status: 404, code: 'run_not_found', detail: `Run not found: ${run_id}` });
  }
}

/** Nothing that was to be cancelled is pending or running. */
export class NothingToCancelError extends ApiError {
  constructor() {
    super({ status: 404, code: 'nothing_to_cancel', detail: 'No pending or running run matches the request.' });
  }
}

/** Other requests change the assistant faster than this one can create a run from it. */
export class AssistantChangingError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 503,
      code: 'assistant_changing',
      detail: `Assistant ${assistant_id} keeps changing. Retry when its updates have ended.`,
      headers: { 'retry-after': '1' },
    });
  }
}

/** The address is well-formed, but the settings of this server do not let runs call it. */
export class WebhookRefusedError extends ApiError {
  constructor(reason: string) {
    const errors = [{ path: 'webhook', message: reason }];
    super({ status: 422, code: 'webhook_refused', detail: `webhook: ${reason}`, errors });
  }
}

/** A run that is running asks for another one on its own thread and waits for it, which waits for the first one to end. */
export class OwnThreadError extends ApiError {
  constructor(run_id: string, thread_id: string) {
    super({
      status: 409,
      code: 'run_on_own_thread',
      detail:
        `Run ${run_id} asks for another run on its own thread ${thread_id}, which could only begin after it. Give the ` +
        'graph that it calls a thread of its own: set another configurable.thread_id where it is called.',
    });
  }
}

/** A pending or running run cannot be deleted. */
export class RunActiveError extends ApiError {
  constructor(run_id: string) {
    super({ status: 409, code: 'run_active', detail: `Run ${run_id} is still active. Cancel it first.` });
  }
}

/** As many runs wait on the thread as may. */
export class TooManyQueuedRunsError extends ApiError {
  constructor(thread_id: string, limit: number) {
    super({
      status: 429,
      code: 'too_many_queued_runs',
      detail: `${limit} runs wait on thread ${thread_id} already. Wait for some of them, or cancel them.`,
    });
  }
}
