import { isUuid, systemAssistantId } from '../common/index.js';
import type { GraphRegistry } from '../execution/index.js';
import { AssistantNotFoundError } from './assistants.errors.js';

/** The id of an assistant that a request names by its id or by its graph. Throws {@link AssistantNotFoundError}. */
export function toAssistantId(assistant_id: string, graphs: GraphRegistry): string {
  if (isUuid(assistant_id)) {
    return assistant_id;
  }
  if (!graphs.has(assistant_id)) {
    throw new AssistantNotFoundError(assistant_id);
  }
  return systemAssistantId(assistant_id);
}
