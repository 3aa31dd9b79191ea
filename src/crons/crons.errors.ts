import { ApiError } from '../common/index.js';

/** There is no such cron, or the caller may not see it. */
export class CronNotFoundError extends ApiError {
  constructor(cron_id: string) {
    super({ status: 404, code: 'cron_not_found', detail: `Cron not found: ${cron_id}` });
  }
}

/** Other requests changed the cron each time between the decision about this change and its transaction. */
export class CronChangedError extends ApiError {
  constructor(cron_id: string) {
    super({ status: 409, code: 'cron_changed', detail: `Cron ${cron_id} is being changed by other requests. Retry.` });
  }
}
