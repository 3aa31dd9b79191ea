import { Injectable } from '@nestjs/common';
import { type AuthEvent, type Authorized, AuthService, type RoutePermission } from '../auth/index.js';
import type { CronCreate } from './dto/cron-requests.dto.js';

/** A permission on crons, with its caller. */
export type CronPermission = RoutePermission<Extract<AuthEvent, `crons:${string}`>>;

/** Authorizes what callers do with crons. The returned filter restricts the statements of `CronsService`. */
@Injectable()
export class CronAccess {
  constructor(private readonly auth: AuthService) {}

  /** Returns the cron to create. `CronsService` decides whether the caller may create its runs. */
  async toCreate(permission: CronPermission, body: CronCreate, thread_id?: string): Promise<CronCreate> {
    const requested = { ...body, thread_id: thread_id ?? null, user_id: permission.user?.identity ?? null };
    const { thread_id: _, user_id: __, ...value } = (await this.authorize(permission, requested)).value;
    return value;
  }

  /** Returns the fields of the request, with the changes of the handler. Throws `ForbiddenError`. */
  authorize<T extends object>(permission: CronPermission, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(permission, permission.event, value);
  }
}
