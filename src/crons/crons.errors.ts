import { ApiError } from '../common/index.js';

/** There is no such cron, or the caller may not see it. */
export class CronNotFoundError extends ApiError {
  constructor(cron_id: string) {
    super({ status: 404, code: 'cron_not_found', detail: `Cron not found: ${cron_id}` });
  }
}
