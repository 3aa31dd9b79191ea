import { ApiError, StartupError } from '../../common/index.js';

/** A graph failed to load; names the graph, its file and the reason. Stops the start unless failed graphs are skipped. */
export class GraphLoadError extends StartupError {
  constructor(graph_id: string, location: string, reason: string, cause?: unknown) {
    super(`Graph "${graph_id}" (${location}) could not be loaded: ${reason}`, { cause });
  }
}

/** The graph is not in langgraph.json. */
export class GraphNotFoundError extends ApiError {
  constructor(graph_id: string, known: string[]) {
    super({
      status: 404,
      code: 'graph_not_found',
      detail: `Graph "${graph_id}" not found. Available graphs: ${known.join(', ')}.`,
    });
  }
}

/** The graph is in langgraph.json but failed to load; other graphs are available. */
export class GraphNotLoadedError extends ApiError {
  constructor(failure: GraphLoadError) {
    super({ status: 503, code: 'graph_not_loaded', detail: failure.message });
  }
}
