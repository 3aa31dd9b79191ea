import { setTimeout as sleep } from 'node:timers/promises';
import { LangChainTracer } from '@langchain/core/tracers/tracer_langchain';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client, getDefaultProjectName } from 'langsmith';
import { CONFIG, type NestgraphConfig } from '../config/index.js';

/** Milliseconds that the end of a run waits for its links. */
const FEEDBACK_MS = 5_000;
/** Milliseconds that a stopping process gives to traces that are on their way. */
const FLUSH_MS = 5_000;

/** Where else a trace goes. */
export interface TraceCopy {
  project?: string;
  example_id?: string;
}

/** What LangSmith does for runs: feedback links and traces. It may be slow or away; no run fails or hangs for that. */
@Injectable()
export class LangSmith implements OnApplicationShutdown {
  private readonly logger = new Logger('LangSmith');
  private readonly client?: Client;
  private readonly isTracing: boolean;

  constructor(@Inject(CONFIG) { langsmith }: NestgraphConfig) {
    this.client =
      langsmith &&
      new Client({
        apiKey: langsmith.api_key,
        apiUrl: langsmith.endpoint,
        // LangChain's own client would let the end of each run wait for the upload of its trace.
        blockOnRootRunFinalization: false,
      });
    this.isTracing = langsmith?.tracing ?? false;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.client && this.isTracing) {
      await Promise.race([
        this.client.awaitPendingTraceBatches().catch(() => undefined),
        sleep(FLUSH_MS, undefined, { ref: false }),
      ]);
    }
  }

  /** A link per key under which feedback on a run can be sent without a key of LangSmith; undefined when it gives none. */
  async feedbackUrls(run_id: string, keys: string[], signal: AbortSignal): Promise<Record<string, string> | undefined> {
    const timeUp = AbortSignal.any([signal, AbortSignal.timeout(FEEDBACK_MS)]);
    try {
      const links = [...new Set(keys)].map(async (key) => [key, await this.feedbackUrl(run_id, key)]);
      return Object.fromEntries(await Promise.race([Promise.all(links), rejectedBy(timeUp)])) as Record<string, string>;
    } catch (error) {
      this.logger.warn(`run_id=${run_id} ends without feedback links: ${String(error)}`);
      return undefined;
    }
  }

  private async feedbackUrl(run_id: string, key: string): Promise<string> {
    if (!this.client) {
      throw new Error('LANGSMITH_API_KEY is not set for the process that executes it');
    }
    const { url } = await this.client.createPresignedFeedbackToken(run_id, key);
    return url;
  }

  /**
   * Sends the trace of a run; undefined unless runs are traced. With a project of its own the run is traced twice: as
   * ever, and there, where the copy has an id of its own and belongs to the example.
   */
  tracer({ project, example_id }: TraceCopy): LangChainTracer | undefined {
    if (!this.client || !this.isTracing) {
      return undefined;
    }
    const usual = getDefaultProjectName();
    if (project === undefined || project === usual) {
      return new LangChainTracer({ client: this.client, exampleId: example_id });
    }
    return new LangChainTracer({
      client: this.client,
      replicas: [
        [project, { reference_example_id: example_id }],
        [usual, undefined],
      ],
    });
  }
}

const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener('abort', onAbort, { once: true });
  });
