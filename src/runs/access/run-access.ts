import { Injectable } from '@nestjs/common';
import { AssistantAccess, type RunAssistant } from '../../assistants/index.js';
import { type AuthContext, type AuthFilter, matches } from '../../auth/index.js';
import { ThreadAccess, ThreadNotFoundError, type ThreadPermission } from '../../threads/index.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { RunNotFoundError } from '../runs.errors.js';
import { RunFinder } from '../queue/run-finder.js';

/** A run that the caller may create. */
export interface PermittedRun<T extends RunCreate> {
  /** The request, as the auth handlers have changed it. */
  body: T;
  /** Filter for the threads on which it may be created; all when undefined. */
  visible?: AuthFilter;
}

/** A run, as the request of its reader addresses it. */
interface JoinedRun {
  run_id: string;
  thread_id?: string;
}

/** Decides which runs a caller may read, start and stop: those on the caller's threads (contract 6.3). */
@Injectable()
export class RunAccess {
  constructor(
    private readonly threads: ThreadAccess,
    private readonly assistants: AssistantAccess,
    private readonly runs: RunFinder,
  ) {}

  /** Calls the auth handlers, which get the fields of the run and may change them. Throws `ForbiddenError`. */
  async permit<T extends RunCreate>(
    auth: AuthContext,
    thread_id: string | undefined,
    body: T,
  ): Promise<PermittedRun<T>> {
    if (!auth.user) {
      return { body };
    }
    const { assistant_id, metadata, multitask_strategy, if_not_exists, after_seconds, ...kwargs } = body;
    const requested = {
      assistant_id,
      metadata: { ...metadata },
      multitask_strategy,
      if_not_exists,
      after_seconds,
      kwargs,
    };
    const value = { ...requested, thread_id: thread_id ?? null, status: 'pending' };
    const permitted = await this.threads.authorize({ ...auth, event: 'threads:create_run' }, value);
    const { kwargs: changed, thread_id: _, status: __, ...fields } = permitted.value;
    return {
      body: { ...changed, ...withoutUndefined(fields), assistant_id } as unknown as T,
      visible: permitted.filter,
    };
  }

  /** Throws `AssistantNotFoundError` or `ForbiddenError`. */
  checkAssistant(auth: AuthContext, assistant: Pick<RunAssistant, 'assistant_id' | 'metadata'>): Promise<void> {
    return this.assistants.checkRun(auth, assistant);
  }

  /**
   * Checks joining a run, with or without its thread. A reader whose disconnect cancels the run needs the permission to
   * cancel it. Throws {@link RunNotFoundError}, `ThreadNotFoundError` or `ForbiddenError`.
   */
  async checkJoin(permission: ThreadPermission, run: JoinedRun, cancelOnDisconnect: boolean): Promise<void> {
    await this.check(permission, run);
    if (cancelOnDisconnect) {
      await this.check({ ...permission, event: 'threads:update' }, run);
    }
  }

  private async check(permission: ThreadPermission, { run_id, thread_id }: JoinedRun): Promise<void> {
    if (thread_id) {
      await this.threads.check(permission, thread_id, { run_id });
    } else if (permission.user) {
      await this.checkWithoutThread(permission, run_id);
    }
  }

  private async checkWithoutThread(permission: ThreadPermission, run_id: string): Promise<void> {
    const { thread_id } = await this.runs.find(run_id);
    try {
      await this.threads.check(permission, thread_id, { run_id });
    } catch (error) {
      throw error instanceof ThreadNotFoundError ? new RunNotFoundError(run_id) : error;
    }
  }
}

/** Throws {@link ThreadNotFoundError} when the caller may create the run, but not on this thread. */
export function assertVisible(
  visible: AuthFilter | undefined,
  { thread_id, metadata }: { thread_id: string; metadata: Record<string, unknown> },
): void {
  if (visible && !matches(visible, metadata)) {
    throw new ThreadNotFoundError(thread_id);
  }
}

const withoutUndefined = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
