import { Inject, Injectable } from '@nestjs/common';
import { RunAssistants, type RunAssistant } from '../../assistants/index.js';
import type { AuthContext } from '../../auth/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import type { Queryable } from '../../database/index.js';
import { GraphRegistry } from '../../execution/index.js';
import { ThreadNotFoundError } from '../../threads/index.js';
import { RunInserts } from '../queue/run-inserts.js';
import { assertVisible, type PermittedRun, RunAccess } from '../access/run-access.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { assertSupported } from './run-request.js';
import { WebhookRefusedError } from '../runs.errors.js';
import { retryOnStaleAssistant, StaleAssistantError } from './stale-assistant.js';
import { webhookRefusal } from '../webhooks/webhook-policy.js';

/** A run that the caller may create, with the assistant as it was read. */
export interface DecidedRun<T extends RunCreate = RunCreate> extends PermittedRun<T> {
  assistant: RunAssistant;
}

/**
 * Decides whether a caller may create a run. Auth handlers are called outside of transactions. The statement or
 * transaction that acts on a decision checks that the rows have not changed since.
 */
@Injectable()
export class RunPermissions {
  constructor(
    private readonly access: RunAccess,
    private readonly assistants: RunAssistants,
    private readonly graphs: GraphRegistry,
    private readonly inserts: RunInserts,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Calls the auth handlers, which may change the request. Throws `ForbiddenError`. */
  permit<T extends RunCreate>(auth: AuthContext, thread_id: string | undefined, body: T): Promise<PermittedRun<T>> {
    return this.access.permit(auth, thread_id, body);
  }

  /** The complete decision for a caller. Throws the errors that creating the run would throw. */
  async decide<T extends RunCreate>(auth: AuthContext, thread_id: string | undefined, body: T): Promise<DecidedRun<T>> {
    const permitted = await this.permit(auth, thread_id, body);
    return { ...permitted, assistant: await this.check(auth, permitted.body) };
  }

  /**
   * Rejects a run that cannot be created, without writing anything. Returns the assistant, whose stamp the caller uses
   * as a condition of its writes. Whether the thread exists and is idle is checked when the run is created.
   */
  async check(auth: AuthContext, body: RunCreate): Promise<RunAssistant> {
    assertSupported(body, this.config);
    this.assertWebhookAllowed(body.webhook);
    const assistant = await this.assistants.find(body.assistant_id);
    try {
      return await this.assertMayRun(auth, assistant);
    } catch (error) {
      if (!assistant.is_cached) {
        throw error;
      }
      // A rejection writes nothing that would check the stamp, so it must not rest on a cached assistant.
      this.assistants.forget(assistant);
      return this.assertMayRun(auth, await this.assistants.find(body.assistant_id));
    }
  }

  /**
   * In the caller's transaction: locks the thread and checks that the decision still holds, until the transaction ends.
   * Throws {@link StaleAssistantError} or `ThreadNotFoundError`.
   */
  async confirm(
    db: Queryable,
    { assistant, visible }: DecidedRun,
    thread_id: string | null | undefined,
  ): Promise<void> {
    if (thread_id) {
      const thread = await this.inserts.lockThread(db, thread_id);
      if (!thread) {
        throw new ThreadNotFoundError(thread_id);
      }
      assertVisible(visible, { thread_id, metadata: thread.metadata });
    }
    if (!(await this.assistants.isUnchanged(db, assistant))) {
      throw new StaleAssistantError(assistant);
    }
  }

  /**
   * Retries `create` while the assistant has changed since the decision, until the client has disconnected. Throws
   * `AssistantChangingError`.
   */
  retryOnStaleAssistant<T>(create: () => Promise<T>, isAbandoned: () => boolean = () => false): Promise<T> {
    return retryOnStaleAssistant(create, { forget: (assistant) => this.assistants.forget(assistant), isAbandoned });
  }

  private async assertMayRun(auth: AuthContext, assistant: RunAssistant): Promise<RunAssistant> {
    await this.access.checkAssistant(auth, assistant);
    this.graphs.assertExists(assistant.graph_id);
    return assistant;
  }

  private assertWebhookAllowed(webhook: string | undefined): void {
    const refusal = webhook && webhookRefusal(webhook, this.config.webhooks);
    if (refusal) {
      throw new WebhookRefusedError(refusal);
    }
  }
}
