import { Injectable } from '@nestjs/common';
import {
  type AuthContext,
  type AuthEvent,
  type AuthFilter,
  type Authorized,
  AuthService,
  matches,
} from '../auth/index.js';
import { AssistantNotFoundError } from './assistants.errors.js';
import { AssistantsService } from './assistants.service.js';
import type { RunAssistant } from './known-assistants.js';

type AssistantEvent = Extract<AuthEvent, `assistants:${string}`>;

/** Which assistants are a caller's. What is somebody else's looks as if it were not there. */
@Injectable()
export class AssistantAccess {
  constructor(
    private readonly auth: AuthService,
    private readonly assistants: AssistantsService,
  ) {}

  /**
   * To be called before something is done with an assistant; gives the fields of the request as they are to be used. Throws
   * {@link AssistantNotFoundError} or `ForbiddenError`.
   */
  async check<T extends object>(auth: AuthContext, event: AssistantEvent, assistant_id: string, value?: T): Promise<T> {
    const authorized = await this.auth.authorize(auth, event, { ...value, assistant_id } as T & {
      assistant_id: string;
    });
    if (authorized.filter) {
      const assistant = await this.assistants.resolve(assistant_id);
      const isVisible =
        event === 'assistants:read'
          ? this.mayRead(authorized.filter, assistant)
          : matches(authorized.filter, assistant.metadata);
      if (!isVisible) {
        throw new AssistantNotFoundError(assistant_id);
      }
    }
    return authorized.value;
  }

  /** For what concerns no assistant that is known beforehand. */
  authorize<T extends object>(auth: AuthContext, event: AssistantEvent, value: T): Promise<Authorized<T>> {
    return this.auth.authorize(auth, event, value);
  }

  /** The threads that go with an assistant when its threads are to be deleted, too. */
  async deletableThreads(auth: AuthContext, assistant_id: string): Promise<AuthFilter | undefined> {
    return (await this.auth.authorize(auth, 'threads:delete', { metadata: { assistant_id } })).filter;
  }

  /**
   * To be called before an assistant is run: that needs the right to read it. Throws {@link AssistantNotFoundError} or
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

  /** Those that stand for a graph belong to nobody: whoever may read assistants may read and run them. */
  private mayRead(
    filter: AuthFilter,
    { assistant_id, metadata }: Pick<RunAssistant, 'assistant_id' | 'metadata'>,
  ): boolean {
    return this.assistants.isOfSystem(assistant_id) || matches(filter, metadata);
  }
}
