import { ApiError, describeError } from '../../common/index.js';

/** Errors of LangGraph that mean: this update does not fit the graph. */
const CALLERS_FAULT = new Set(['InvalidUpdateError', 'GraphValueError', 'StateGraphInputError', 'ZodError']);

/** The run or update is to begin from a checkpoint that the thread does not have. */
export class CheckpointNotFoundError extends ApiError {
  constructor(thread_id: string, checkpoint_id: string) {
    super({
      status: 404,
      code: 'checkpoint_not_found',
      detail: `Thread ${thread_id} has no checkpoint ${checkpoint_id}. Its history lists those it has.`,
    });
  }
}

/** The update names a node that the graph does not have, or values that its state refuses. */
export class InvalidStateUpdateError extends ApiError {
  constructor(reason: string, cause?: unknown) {
    super({
      status: 422,
      code: 'invalid_state_update',
      detail: `The state cannot be updated like this: ${reason}`,
      cause,
    });
  }

  /** The error to throw for what LangGraph threw: a fault of the graph's own code stays what it is. */
  static from(error: unknown): unknown {
    const { error: name, message } = describeError(error);
    const callersFault = CALLERS_FAULT.has(name) || /^(Node|Subgraph) "/.test(message);
    return callersFault ? new InvalidStateUpdateError(message, error) : error;
  }
}
