import { ApiProperty } from '@nestjs/swagger';
import type { StoredItem } from '../operations.js';

/** An item of the store (contract 2.11). */
export class Item {
  /** Labels of the namespace. */
  namespace: string[];
  /** Key within the namespace. */
  key: string;
  /** Value of the item. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  value: Record<string, unknown>;
  /** When the item was first put. */
  created_at: Date;
  /** When the item was last put. */
  updated_at: Date;
}

/** An item in a search result. */
export class SearchItem extends Item {
  /** Cosine similarity to the query, at most 1; absent without a query or without an index. */
  @ApiProperty({ type: Number, required: false })
  score?: number;
}

/** Response of "search items". */
export class SearchItemsResponse {
  /** One page. */
  @ApiProperty({ type: [SearchItem] })
  items: SearchItem[];
}

/** Response of "list namespaces". */
export class ListNamespaceResponse {
  /** One page, sorted. */
  @ApiProperty({ type: 'array', items: { type: 'array', items: { type: 'string' } } })
  namespaces: string[][];
}

/** Converts an item to the API schema. */
export const toItem = ({ namespace, key, value, createdAt, updatedAt, score }: StoredItem): SearchItem => ({
  namespace,
  key,
  value,
  created_at: createdAt,
  updated_at: updatedAt,
  ...(score !== undefined && { score }),
});
