import { ApiError, describeError } from '../../common/index.js';

/** Errors of LangGraph for an update that does not fit the graph. */
const CLIENT_ERRORS = new Set(['InvalidUpdateError', 'GraphValueError', 'StateGraphInputError', 'ZodError']);

/** The run or update refers to a checkpoint that the thread does not have. */
export class CheckpointNotFoundError extends ApiError {
  constructor(thread_id: string, checkpoint_id: string) {
    super({
      status: 404,
      code: 'checkpoint_not_found',
      detail: `Thread ${thread_id} has no checkpoint ${checkpoint_id}. The history of the thread lists its checkpoints.`,
    });
  }
}

/** The update names an unknown node, or values that the graph's state rejects. */
export class InvalidStateUpdateError extends ApiError {
  constructor(reason: string, cause?: unknown) {
    super({
      status: 422,
      code: 'invalid_state_update',
      detail: `Invalid state update: ${reason}`,
      cause,
    });
  }

  /** Converts an error of LangGraph. Errors of the graph's own code are returned unchanged. */
  static from(error: unknown): unknown {
    const { error: name, message } = describeError(error);
    const isClientError = CLIENT_ERRORS.has(name) || /^(Node|Subgraph) "/.test(message);
    return isClientError ? new InvalidStateUpdateError(message, error) : error;
  }
}
