import { Injectable, Logger } from '@nestjs/common';
import { AssistantNotFoundError, AssistantsService, type RunAssistant } from '../../assistants/index.js';
import { AuthService, type AuthUser } from '../../auth/index.js';
import { ApiError, withDeadline } from '../../common/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import { ThreadAccess } from '../../threads/index.js';
import { RunAccess } from './run-access.js';
import type { RunCaller, RunKwargs } from '../run.entity.js';
import type { RunCreate } from '../dto/run-requests.dto.js';

/** Timeout of the auth module for a decision outside of a request. */
export const DECISION_TIMEOUT_MS = 10_000;

/** A run that was authorised when it was created. */
export interface CreatedRun {
  run_id: string;
  /** Null for a stateless run. */
  thread_id: string | null;
  assistant_id: string;
  kwargs: Pick<RunKwargs, 'input' | 'command'>;
}

/** The caller that created the run, and the authorised request. */
export type DecidedCaller = Pick<RunCaller, 'user' | 'request'>;

/** Why a run is no longer allowed. */
export interface Refusal {
  message: string;
  /** False when the auth module could not decide. */
  is_decided: boolean;
}

/**
 * Repeats the authorisation of a run for its caller, with the current rows, when something happens after its creation:
 * the run starts, or its webhook is sent.
 */
@Injectable()
export class RunRecheck {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly auth: AuthService,
    private readonly access: RunAccess,
    private readonly threads: ThreadAccess,
    private readonly assistants: AssistantsService,
  ) {}

  /** Undefined when the run is still allowed. A deleted thread or assistant forbids nothing. */
  async refusalOf(run: CreatedRun, caller: DecidedCaller | null): Promise<Refusal | undefined> {
    const user = caller?.user;
    if (!user || !this.auth.hasRules) {
      return undefined;
    }
    try {
      const late = (): Error => new Error(`The auth module took longer than ${DECISION_TIMEOUT_MS} ms.`);
      await withDeadline(DECISION_TIMEOUT_MS, this.assertAllowed(run, user, caller.request), late);
      return undefined;
    } catch (error) {
      return this.toRefusal(run, user, error);
    }
  }

  private async assertAllowed(run: CreatedRun, user: AuthUser, request: DecidedCaller['request']): Promise<void> {
    const { thread_id, assistant_id, kwargs } = run;
    // A copy, because handlers may change the request. Their changes were applied when the run was created.
    const { input, command } = kwargs;
    const body = structuredClone({ ...request, assistant_id, input, command }) as RunCreate;
    const { visible } = await this.access.permit({ user }, thread_id ?? undefined, body);
    if (thread_id && visible) {
      await this.threads.assertVisible(thread_id, visible);
    }
    const assistant = await this.findAssistant(assistant_id);
    if (assistant) {
      await this.access.checkAssistant({ user }, assistant);
    }
  }

  private async findAssistant(
    assistant_id: string,
  ): Promise<Pick<RunAssistant, 'assistant_id' | 'metadata'> | undefined> {
    try {
      return await this.assistants.resolve(assistant_id);
    } catch (error) {
      if (error instanceof AssistantNotFoundError) {
        return undefined;
      }
      throw error;
    }
  }

  private toRefusal({ run_id }: CreatedRun, { identity }: AuthUser, error: unknown): Refusal {
    if (error instanceof DatabaseUnavailableError) {
      throw error;
    }
    if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
      return { message: `${identity} is no longer allowed to do this: ${error.message}`, is_decided: true };
    }
    this.logger.error(`run_id=${run_id} the auth module could not decide the permission: ${stackOf(error)}`);
    return {
      message: `The auth module could not decide whether ${identity} is still allowed to do this.`,
      is_decided: false,
    };
  }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
