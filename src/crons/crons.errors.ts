import { ApiError } from '../common/index.js';

/** The cron does not exist, or the caller may not see it. */
export class CronNotFoundError extends ApiError {
  constructor(cron_id: string) {
    super({ status: 404, code: 'cron_not_found', detail: `Cron not found: ${cron_id}` });
  }
}

/** In every attempt, another request changed the cron between the authorization of this update and its transaction. */
export class CronChangedError extends ApiError {
  constructor(cron_id: string) {
    super({ status: 409, code: 'cron_changed', detail: `Cron ${cron_id} is being changed by other requests. Retry.` });
  }
}
