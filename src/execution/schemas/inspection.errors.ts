import { ApiError } from '../../common/index.js';

/** The user's factory failed for the config of the assistant. */
export class GraphNotBuiltError extends ApiError {
  constructor(graph_id: string, cause: unknown) {
    super({
      status: 422,
      code: 'graph_not_built',
      detail: `Graph "${graph_id}" could not be built with the config of the assistant: ${reasonOf(cause)}`,
      cause,
    });
  }
}

/** LangGraph cannot draw the graph. */
export class GraphNotDrawnError extends ApiError {
  constructor(graph_id: string, cause: unknown) {
    super({
      status: 422,
      code: 'graph_not_drawn',
      detail: `Graph "${graph_id}" cannot be drawn: ${reasonOf(cause)}`,
      cause,
    });
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
