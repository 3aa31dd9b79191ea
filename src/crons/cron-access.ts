import { Injectable } from '@nestjs/common';
import { type AuthContext, type AuthEvent, type Authorized, AuthService, matches } from '../auth/index.js';
import { RunAccess } from '../runs/index.js';
import { ThreadAccess } from '../threads/index.js';
import { CronNotFoundError } from './crons.errors.js';
import { CronsService } from './crons.service.js';
import type { CronCreate } from './dto/cron-requests.dto.js';

type CronEvent = Extract<AuthEvent, `crons:${string}`>;

/** Which crons are a caller's. What is somebody else's looks as if it were not there. */
@Injectable()
export class CronAccess {
  constructor(
    private readonly auth: AuthService,
    private readonly threads: ThreadAccess,
    private readonly runs: RunAccess,
    private readonly crons: CronsService,
  ) {}

  /**
   * Whoever makes a cron must be allowed to make its runs, now: nobody is asked when they are created. Gives the cron as
   * it is to be made. Throws `ThreadNotFoundError` or `ForbiddenError`.
   */
  async toCreate(auth: AuthContext, body: CronCreate, thread_id?: string): Promise<CronCreate> {
    const { body: permitted } = await this.runs.permit(auth, thread_id, body);
    if (thread_id) {
      await this.threads.check(auth, 'threads:create_run', thread_id);
    }
    const asked = { ...permitted, thread_id: thread_id ?? null, user_id: auth.user?.identity ?? null };
    const { thread_id: _, user_id: __, ...value } = (await this.auth.authorize(auth, 'crons:create', asked)).value;
    return value;
  }

  /**
   * To be called before something is done with a cron; gives the fields of the request as they are to be used. Throws
   * {@link CronNotFoundError} or `ForbiddenError`.
   */
  async check<T extends object>(auth: AuthContext, event: CronEvent, cron_id: string, value?: T): Promise<T> {
    const authorized = await this.auth.authorize(auth, event, { ...value, cron_id } as T & { cron_id: string });
    if (authorized.filter && !matches(authorized.filter, (await this.crons.get(cron_id)).metadata)) {
      throw new CronNotFoundError(cron_id);
    }
    return authorized.value;
  }

  /** For what concerns no cron that is known beforehand. */
  authorize<T extends object>(auth: AuthContext, event: CronEvent, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(auth, event, value);
  }
}
