import { Injectable } from '@nestjs/common';
import {
  type AuthEvent,
  type AuthFilter,
  type Authorized,
  AuthService,
  filterSql,
  type PathDecider,
  type RoutePermission,
} from '../auth/index.js';
import { Sql, SqlParameters } from '../database/index.js';
import { ThreadNotFoundError } from './threads.errors.js';

/** A permission on threads, with its caller. */
export type ThreadPermission = RoutePermission<Extract<AuthEvent, `threads:${string}`>>;

/** Path parameters of the routes of a thread and its runs. */
interface ThreadPath {
  thread_id: string;
  run_id?: string;
}

/** Checks which threads the caller may access. Threads of another user are reported as missing. */
@Injectable()
export class ThreadAccess implements PathDecider {
  constructor(
    private readonly auth: AuthService,
    private readonly sql: Sql,
  ) {}

  /** Decides a permission on the thread of the path. Auth handlers get the ids of the thread and of the run. */
  async decideOnPath(permission: ThreadPermission, { thread_id, run_id }: ThreadPath): Promise<void> {
    await this.check(permission, thread_id, run_id === undefined ? {} : { run_id });
  }

  /**
   * Authorizes an operation on a thread. Returns the request fields to use, which the auth handler may have changed.
   * Throws {@link ThreadNotFoundError} or `ForbiddenError`.
   */
  async check<T extends object>(permission: ThreadPermission, thread_id: string, value: T): Promise<T> {
    const authorized = await this.authorize(permission, { ...value, thread_id });
    if (authorized.filter && (await this.hiddenOf([thread_id], authorized.filter)).length > 0) {
      throw new ThreadNotFoundError(thread_id);
    }
    return authorized.value;
  }

  /** Like {@link check} for several threads. Throws {@link ThreadNotFoundError} for the first one that is hidden. */
  async checkAll(permission: ThreadPermission, thread_ids: string[], value: object): Promise<void> {
    const { filter } = await this.authorize(permission, value);
    const [hidden] = filter ? await this.hiddenOf(thread_ids, filter) : [];
    if (hidden !== undefined) {
      throw new ThreadNotFoundError(hidden);
    }
  }

  /** Throws {@link ThreadNotFoundError} if the filter hides the thread. A deleted thread is not hidden. */
  async assertVisible(thread_id: string, filter: AuthFilter): Promise<void> {
    const parameters = new SqlParameters();
    const id = parameters.add(thread_id);
    const visible = filterSql(filter, 'metadata', (value) => parameters.add(value));
    const { rows: hidden } = await this.sql.query(
      `SELECT FROM threads WHERE thread_id = ${id} AND (${visible}) IS NOT TRUE`,
      parameters.values,
      { isPrepared: false },
    );
    if (hidden.length > 0) {
      throw new ThreadNotFoundError(thread_id);
    }
  }

  /** Authorizes an operation without a known thread, such as a search. */
  authorize<T extends object>(permission: ThreadPermission, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(permission, permission.event, value);
  }

  /** Threads that do not exist or that the filter hides. */
  private async hiddenOf(thread_ids: string[], filter: AuthFilter): Promise<string[]> {
    const parameters = new SqlParameters();
    const ids = parameters.add(thread_ids);
    const visible = filterSql(filter, 'thread.metadata', (value) => parameters.add(value));
    const { rows } = await this.sql.query<{ id: string }>(
      `SELECT id FROM unnest(${ids}::uuid[]) id
       WHERE NOT EXISTS (SELECT FROM threads thread WHERE thread.thread_id = id AND ${visible})`,
      parameters.values,
      { isPrepared: false },
    );
    return rows.map(({ id }) => id);
  }
}
