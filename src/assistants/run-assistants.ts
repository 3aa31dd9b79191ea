import { Injectable } from '@nestjs/common';
import type { Queryable } from '../database/index.js';
import { GraphRegistry } from '../execution/index.js';
import { AssistantCache, type RunAssistant } from './assistant-cache.js';
import { toAssistantId } from './assistant-id.js';
import { AssistantNotFoundError } from './assistants.errors.js';

/** Finds the assistants of runs. May return a cached one: check its `stamp`, and call {@link forget} when it is outdated. */
@Injectable()
export class RunAssistants {
  constructor(
    private readonly cache: AssistantCache,
    private readonly graphs: GraphRegistry,
  ) {}

  /** By its id, or a system assistant by the name of its graph. Throws {@link AssistantNotFoundError}. */
  async find(assistant_id: string): Promise<RunAssistant> {
    const assistant = await this.cache.find(toAssistantId(assistant_id, this.graphs));
    if (!assistant) {
      throw new AssistantNotFoundError(assistant_id);
    }
    return assistant;
  }

  /** Whether an assistant from {@link find} is up to date. Locks it against changes until the caller's transaction ends. */
  isUnchanged(db: Queryable, assistant: RunAssistant): Promise<boolean> {
    return this.cache.isUnchanged(db, assistant);
  }

  /** Removes an outdated assistant of {@link find} from the cache. */
  forget({ assistant_id }: RunAssistant): void {
    this.cache.forget(assistant_id);
  }
}
