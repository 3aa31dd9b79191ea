import { ApiError } from '../common/index.js';

/** What embeds texts failed, was too slow, or gave something else than vectors. Nothing has been put. */
export class EmbeddingFailedError extends ApiError {
  constructor(reason: string, cause?: unknown) {
    super({ status: 502, code: 'embedding_failed', detail: `The texts could not be embedded: ${reason}`, cause });
  }
}

/** There is no such item, as far as the caller is concerned. */
export class ItemNotFoundError extends ApiError {
  constructor(namespace: readonly string[], key: string) {
    super({ status: 404, code: 'item_not_found', detail: `Item ${namespace.join('.')} ${key} not found` });
  }
}

/** What `store.index.embed` of langgraph.json names cannot be used. Stops the start. */
export class EmbeddingsLoadError extends Error {
  constructor(embed: string, reason: string, cause?: unknown) {
    super(`store.index.embed of langgraph.json, "${embed}", cannot be used: ${reason}`, { cause });
    this.name = 'EmbeddingsLoadError';
  }
}
