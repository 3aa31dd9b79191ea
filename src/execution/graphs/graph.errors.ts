import { ApiError } from '../../common/index.js';

/** A graph could not be loaded: names it, its file and the reason. Stops the start. */
export class GraphLoadError extends Error {
  constructor(graph_id: string, location: string, reason: string, cause?: unknown) {
    super(`Graph "${graph_id}" (${location}) could not be loaded: ${reason}`, { cause });
    this.name = 'GraphLoadError';
  }
}

/** Compiled graphs cannot be written into the project. Stops the start. */
export class GraphFolderError extends Error {
  constructor(folder: string, cause: Error) {
    super(
      `Compiled graphs cannot be written to ${folder}: ${cause.message}. ` +
        'They have to lie inside the project, where its packages are found: make the folder writable, or mount one there.',
      { cause },
    );
    this.name = 'GraphFolderError';
  }
}

/** The graph is not in langgraph.json. */
export class GraphNotFoundError extends ApiError {
  constructor(graph_id: string, known: string[]) {
    super({
      status: 404,
      code: 'graph_not_found',
      detail: `Graph "${graph_id}" not found. This server has: ${known.join(', ')}.`,
    });
  }
}
