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

/** A pending or running run cannot be deleted. */
export class RunActiveError extends ApiError {
  constructor(run_id: string) {
    super({ status: 409, code: 'run_active', detail: `Run ${run_id} is still active. Cancel it first.` });
  }
}
