import { Injectable } from '@nestjs/common';
import {
  type AuthContext,
  type AuthEvent,
  type AuthFilter,
  type Authorized,
  AuthService,
  matches,
  type PathDecider,
  type RoutePermission,
} from '../auth/index.js';
import { AssistantNotFoundError } from './assistants.errors.js';
import { AssistantsService } from './assistants.service.js';
import type { RunAssistant } from './assistant-cache.js';

/** A permission on assistants, with its caller. */
export type AssistantPermission = RoutePermission<Extract<AuthEvent, `assistants:${string}`>>;

/** Authorizes what callers do with assistants. An assistant that the caller may not see is reported as not found. */
@Injectable()
export class AssistantAccess implements PathDecider {
  constructor(
    private readonly auth: AuthService,
    private readonly assistants: AssistantsService,
  ) {}

  /** Decides a permission on the assistant of the path. */
  async decideOnPath(permission: AssistantPermission, { assistant_id }: { assistant_id: string }): Promise<void> {
    await this.check(permission, assistant_id, {});
  }

  /**
   * Authorizes an operation on one assistant. Returns the fields of the request, with the changes of the handler.
   * Throws {@link AssistantNotFoundError} or `ForbiddenError`.
   */
  async check<T extends object>(permission: AssistantPermission, assistant_id: string, value: T): Promise<T> {
    const authorized = await this.authorize(permission, { ...value, assistant_id });
    if (authorized.filter) {
      const assistant = await this.assistants.resolve(assistant_id);
      const isVisible =
        permission.event === 'assistants:read'
          ? this.mayRead(authorized.filter, assistant)
          : matches(authorized.filter, assistant.metadata);
      if (!isVisible) {
        throw new AssistantNotFoundError(assistant_id);
      }
    }
    return authorized.value;
  }

  /** Authorizes an operation that does not name an existing assistant: create, search, count. */
  authorize<T extends object>(permission: AssistantPermission, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(permission, permission.event, value);
  }

  /** Returns a filter for the threads that the caller may delete together with an assistant. */
  async deletableThreads(auth: AuthContext, assistant_id: string): Promise<AuthFilter | undefined> {
    return (await this.auth.authorize(auth, 'threads:delete', { metadata: { assistant_id } })).filter;
  }

  /**
   * Authorizes a run of an assistant, which requires `assistants:read`. Throws {@link AssistantNotFoundError} or
   * `ForbiddenError`.
   */
  async checkRun(
    auth: AuthContext,
    { assistant_id, metadata }: Pick<RunAssistant, 'assistant_id' | 'metadata'>,
  ): Promise<void> {
    const { filter } = await this.auth.authorize(auth, 'assistants:read', { assistant_id, metadata });
    if (filter && !this.mayRead(filter, { assistant_id, metadata })) {
      throw new AssistantNotFoundError(assistant_id);
    }
  }

  /** System assistants have no owner: a caller who may read assistants may read and run all of them. */
  private mayRead(
    filter: AuthFilter,
    { assistant_id, metadata }: Pick<RunAssistant, 'assistant_id' | 'metadata'>,
  ): boolean {
    return this.assistants.isSystemAssistant(assistant_id) || matches(filter, metadata);
  }
}
