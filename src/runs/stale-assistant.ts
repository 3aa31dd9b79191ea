import type { RunAssistant } from '../assistants/index.js';
import { AssistantChangingError } from './runs.errors.js';

/** Times that a run is created from a stale assistant before its request is refused. */
const MAX_READS = 10;

/** The assistant has changed since the run was made from it. Nothing was written. */
export class StaleAssistantError extends Error {
  constructor(readonly assistant: RunAssistant) {
    super(`Assistant ${assistant.assistant_id} has changed.`);
  }
}

export interface StaleAssistantOptions {
  /** The next read of this assistant goes to the database. */
  forget: (assistant: RunAssistant) => void;
  /** The client that requests the run has left. */
  isAbandoned: () => boolean;
}

/** Repeats `create` while it meets a stale assistant. Throws {@link AssistantChangingError}. */
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
