import type { RunAssistant } from '../../assistants/index.js';
import { AssistantChangingError } from '../runs.errors.js';

/** Attempts to create a run from a fresh read of its assistant before the request is rejected. */
const MAX_READS = 10;

/** The assistant has changed since the run was prepared from it. Nothing was written. */
export class StaleAssistantError extends Error {
  constructor(readonly assistant: RunAssistant) {
    super(`Assistant ${assistant.assistant_id} has changed.`);
  }
}

export interface StaleAssistantOptions {
  /** Evicts the assistant from the cache: its next read goes to the database. */
  forget: (assistant: RunAssistant) => void;
  /** True once the client that requests the run has disconnected. */
  isAbandoned: () => boolean;
}

/** Retries `create` while the assistant is stale. Throws {@link AssistantChangingError}. */
export async function retryOnStaleAssistant<T>(
  create: () => Promise<T>,
  { forget, isAbandoned }: StaleAssistantOptions,
): Promise<T> {
  let stale: RunAssistant | undefined;
  for (let reads = 1; reads <= MAX_READS && !(stale && isAbandoned()); reads += 1) {
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof StaleAssistantError)) {
        throw error;
      }
      stale = error.assistant;
      forget(stale);
    }
  }
  throw new AssistantChangingError(String(stale?.assistant_id));
}
