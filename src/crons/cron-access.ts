import { Injectable } from '@nestjs/common';
import { type AuthContext, type AuthEvent, type Authorized, AuthService } from '../auth/index.js';
import type { CronCreate } from './dto/cron-requests.dto.js';

type CronEvent = Extract<AuthEvent, `crons:${string}`>;

/** What callers may do with crons. Which of them they reach is a filter, which the statements of `CronsService` apply. */
@Injectable()
export class CronAccess {
  constructor(private readonly auth: AuthService) {}

  /** Gives the cron as it is to be created. Whether its caller may create its runs is decided by `CronsService`. */
  async toCreate(auth: AuthContext, body: CronCreate, thread_id?: string): Promise<CronCreate> {
    const asked = { ...body, thread_id: thread_id ?? null, user_id: auth.user?.identity ?? null };
    const { thread_id: _, user_id: __, ...value } = (await this.auth.authorize(auth, 'crons:create', asked)).value;
    return value;
  }

  /** Gives the fields of the request as they are to be used. Throws `ForbiddenError`. */
  authorize<T extends object>(auth: AuthContext, event: CronEvent, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(auth, event, value);
  }
}
