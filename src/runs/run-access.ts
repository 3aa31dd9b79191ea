import { Injectable } from '@nestjs/common';
import { AssistantAccess, type RunAssistant } from '../assistants/index.js';
import { type AuthContext, type AuthEvent, type AuthFilter, matches } from '../auth/index.js';
import { ThreadAccess, ThreadNotFoundError } from '../threads/index.js';
import type { RunCreate } from './run-request.js';
import { RunNotFoundError } from './runs.errors.js';
import { RunsService } from './runs.service.js';

/** A run that may be created. */
export interface PermittedRun<T extends RunCreate> {
  /** As it is to be created. */
  body: T;
  /** Which threads it may be created on; all when undefined. */
  visible?: AuthFilter;
}

type ThreadEvent = Extract<AuthEvent, `threads:${string}`>;

/** A run as its reader names it. */
interface JoinedRun {
  run_id: string;
  thread_id?: string;
}

/** Whose runs somebody may read, start and stop: those of the threads that are theirs (contract 6.3). */
@Injectable()
export class RunAccess {
  constructor(
    private readonly threads: ThreadAccess,
    private readonly assistants: AssistantAccess,
    private readonly runs: RunsService,
  ) {}

  /** Handlers see the fields of the run, and may change them. Throws `ForbiddenError`. */
  async permit<T extends RunCreate>(
    auth: AuthContext,
    thread_id: string | undefined,
    body: T,
  ): Promise<PermittedRun<T>> {
    if (!auth.user) {
      return { body };
    }
    const { assistant_id, metadata, multitask_strategy, if_not_exists, after_seconds, ...kwargs } = body;
    const asked = { assistant_id, metadata: { ...metadata }, multitask_strategy, if_not_exists, after_seconds, kwargs };
    const value = { ...asked, thread_id: thread_id ?? null, status: 'pending' };
    const permitted = await this.threads.authorize(auth, 'threads:create_run', value);
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
   * For a run that is joined, with or without its thread. A reader whose disconnect cancels the run needs the right to
   * cancel it. Throws {@link RunNotFoundError}, `ThreadNotFoundError` or `ForbiddenError`.
   */
  async checkJoin(auth: AuthContext, { run_id, thread_id }: JoinedRun, cancelOnDisconnect: boolean): Promise<void> {
    const events: ThreadEvent[] = cancelOnDisconnect ? ['threads:read', 'threads:update'] : ['threads:read'];
    for (const event of events) {
      await (thread_id ? this.threads.check(auth, event, thread_id, { run_id }) : this.check(auth, event, run_id));
    }
  }

  /** For a run that is addressed without its thread. Throws {@link RunNotFoundError} or `ForbiddenError`. */
  async check(auth: AuthContext, event: ThreadEvent, run_id: string): Promise<void> {
    if (!auth.user) {
      return;
    }
    const { thread_id } = await this.runs.find(run_id);
    try {
      await this.threads.check(auth, event, thread_id, { run_id });
    } catch (error) {
      throw error instanceof ThreadNotFoundError ? new RunNotFoundError(run_id) : error;
    }
  }
}

/** Throws {@link ThreadNotFoundError} when a run was permitted, but not on this thread. */
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
