import { Injectable } from '@nestjs/common';
import { type AuthContext, type AuthEvent, type Authorized, AuthService } from '../auth/index.js';
import type { CronCreate } from './dto/cron-requests.dto.js';

type CronEvent = Extract<AuthEvent, `crons:${string}`>;

/** Authorizes what callers do with crons. The returned filter restricts the statements of `CronsService`. */
@Injectable()
export class CronAccess {
  constructor(private readonly auth: AuthService) {}

  /** Returns the cron to create. `CronsService` decides whether the caller may create its runs. */
  async toCreate(auth: AuthContext, body: CronCreate, thread_id?: string): Promise<CronCreate> {
    const requested = { ...body, thread_id: thread_id ?? null, user_id: auth.user?.identity ?? null };
    const { thread_id: _, user_id: __, ...value } = (await this.auth.authorize(auth, 'crons:create', requested)).value;
    return value;
  }

  /** Returns the fields of the request, with the changes of the handler. Throws `ForbiddenError`. */
  authorize<T extends object>(auth: AuthContext, event: CronEvent, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(auth, event, value);
  }
}
