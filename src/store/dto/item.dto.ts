import { ApiProperty } from '@nestjs/swagger';
import type { StoredItem } from '../operations.js';

/** An item of the store (contract 2.11). */
export class Item {
  /** Where it is: labels. */
  namespace: string[];
  /** Its name there. */
  key: string;
  /** What was put. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  value: Record<string, unknown>;
  /** When it was put first. */
  created_at: Date;
  /** When it was put last. */
  updated_at: Date;
}

/** An item that a search has found. */
export class SearchItem extends Item {
  /** Cosine similarity to the query, at most 1; only when there was one and the store has an index. */
  @ApiProperty({ type: Number, required: false })
  score?: number;
}

/** Answer of "search items". */
export class SearchItemsResponse {
  /** One page. */
  @ApiProperty({ type: [SearchItem] })
  items: SearchItem[];
}

/** Answer of "list namespaces". */
export class ListNamespaceResponse {
  /** One page, sorted. */
  @ApiProperty({ type: 'array', items: { type: 'array', items: { type: 'string' } } })
  namespaces: string[][];
}

/** The item as the API shows it. */
export const toItem = ({ namespace, key, value, createdAt, updatedAt, score }: StoredItem): SearchItem => ({
  namespace,
  key,
  value,
  created_at: createdAt,
  updated_at: updatedAt,
  ...(score !== undefined && { score }),
});
