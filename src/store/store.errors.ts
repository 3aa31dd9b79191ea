import { ApiError, StartupError } from '../common/index.js';

/** The embeddings failed, timed out, or returned something other than vectors. Nothing was put. */
export class EmbeddingFailedError extends ApiError {
  constructor(reason: string, cause?: unknown) {
    super({ status: 502, code: 'embedding_failed', detail: `Embedding failed: ${reason}`, cause });
  }
}

/** The item does not exist, or the caller may not see it. */
export class ItemNotFoundError extends ApiError {
  constructor(namespace: readonly string[], key: string) {
    super({ status: 404, code: 'item_not_found', detail: `Item ${namespace.join('.')} ${key} not found` });
  }
}

/** The embeddings of `store.index.embed` in langgraph.json cannot be loaded. The server does not start. */
export class EmbeddingsLoadError extends StartupError {
  constructor(embed: string, reason: string, cause?: unknown) {
    super(`store.index.embed of langgraph.json, "${embed}", cannot be used: ${reason}`, { cause });
  }
}
