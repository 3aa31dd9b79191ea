import { setTimeout as sleep } from 'node:timers/promises';
import { LangChainTracer } from '@langchain/core/tracers/tracer_langchain';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client, getDefaultProjectName } from 'langsmith';
import { CONFIG, type NestgraphConfig } from '../config/index.js';

/** The end of a run waits for its feedback links at most this long. */
const FEEDBACK_TIMEOUT_MS = 5_000;
/** A stopping process waits for pending traces at most this long. */
const FLUSH_TIMEOUT_MS = 5_000;

/** The additional project that a trace is sent to. */
export interface TraceCopy {
  project?: string;
  example_id?: string;
}

/** Feedback links and traces of LangSmith. A slow or unavailable LangSmith neither fails nor blocks a run. */
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
        // Otherwise the end of each run would wait until its trace is uploaded.
        blockOnRootRunFinalization: false,
      });
    this.isTracing = langsmith?.tracing ?? false;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.client && this.isTracing) {
      await Promise.race([
        this.client.awaitPendingTraceBatches().catch(() => undefined),
        sleep(FLUSH_TIMEOUT_MS, undefined, { ref: false }),
      ]);
    }
  }

  /**
   * Creates a link per feedback key that accepts feedback on a run without a LangSmith API key; undefined when that
   * fails.
   */
  async feedbackUrls(run_id: string, keys: string[], signal: AbortSignal): Promise<Record<string, string> | undefined> {
    const aborted = AbortSignal.any([signal, AbortSignal.timeout(FEEDBACK_TIMEOUT_MS)]);
    try {
      const links = [...new Set(keys)].map(async (key) => [key, await this.feedbackUrl(run_id, key)]);
      return Object.fromEntries(await Promise.race([Promise.all(links), rejectedBy(aborted)])) as Record<
        string,
        string
      >;
    } catch (error) {
      this.logger.warn(`run_id=${run_id} ends without feedback links: ${String(error)}`);
      return undefined;
    }
  }

  private async feedbackUrl(run_id: string, key: string): Promise<string> {
    if (!this.client) {
      throw new Error('LANGSMITH_API_KEY is not set in the process that executes the run');
    }
    const { url } = await this.client.createPresignedFeedbackToken(run_id, key);
    return url;
  }

  /**
   * Returns the tracer of a run; undefined unless tracing is on. With its own project, the run is traced twice: in the
   * default project, and in its own project, where the copy has its own id and belongs to the example.
   */
  tracer({ project, example_id }: TraceCopy): LangChainTracer | undefined {
    if (!this.client || !this.isTracing) {
      return undefined;
    }
    const defaultProject = getDefaultProjectName();
    if (project === undefined || project === defaultProject) {
      return new LangChainTracer({ client: this.client, exampleId: example_id });
    }
    return new LangChainTracer({
      client: this.client,
      replicas: [
        [project, { reference_example_id: example_id }],
        [defaultProject, undefined],
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
