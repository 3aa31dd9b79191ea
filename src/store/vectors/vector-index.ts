import type { ItemFilter } from '../filter.js';
import { DEFAULT_LIMIT, type SearchOperation } from '../operations.js';
import { itemsBelow } from '../search-sql.js';
import { filterSql } from '../filter.js';
import { type Hit, ITEM_COLUMNS, Statement } from '../statement.js';

/** A semantic search; `op` is its index in the batch. */
export interface SemanticSearch {
  op: number;
  operation: SearchOperation;
  filter: ItemFilter;
  refresh: boolean;
  /** The query as a vector of length 1. */
  vector: Float32Array;
}

/** A string of an item to put, as a vector of length 1. */
export interface VectorRow {
  namespace: string;
  key: string;
  vector: Float32Array;
}

/**
 * Stores vectors and finds the nearest ones, in the database or in memory. The score of an item is that of its most
 * similar text; items without vectors are not found. All implementations return the same results.
 */
export abstract class VectorIndex {
  /** Creates whatever the index needs in the database. */
  abstract start(): Promise<void>;

  /** Background maintenance, called periodically in every process. */
  abstract maintain(): Promise<void>;

  abstract stop(): Promise<void>;

  /**
   * Adds the vectors of the puts to a statement, after its part `written`. They replace the previous vectors of the
   * items.
   */
  abstract addVectors(statement: Statement, rows: readonly VectorRow[]): void;

  /**
   * Adds a search to a statement. False when the search may miss items. When it then returns too few, the caller adds
   * it to another statement with `thorough`, which misses none at any cost.
   */
  abstract addSearch(statement: Statement, search: SemanticSearch, thorough: boolean): Promise<boolean>;
}

/** The number of items that a search must find for its page. */
export const hitsNeeded = ({ limit = DEFAULT_LIMIT, offset = 0 }: SearchOperation): number => limit + offset;

/** SQL condition on items: the search may return the item. */
export function matchesSql(statement: Statement, { operation, filter }: SemanticSearch): string {
  const below = itemsBelow(statement, operation.namespacePrefix);
  return `${below} AND ${filterSql(filter, statement.parameter)}`;
}

/** Adds the page of a search. `ranked` is a query that returns `item_id` and `score`, one or more rows per item. */
export function readPage(statement: Statement, { op, operation, refresh }: SemanticSearch, ranked: string): void {
  const { limit = DEFAULT_LIMIT, offset = 0 } = operation;
  const [most, skipped] = [limit, offset].map((count) => `${statement.parameter(count)}::bigint`);
  statement.read(
    `SELECT ${statement.parameter(op)}::int AS op, row_number() OVER (ORDER BY score DESC, item_id) AS rank,
            ${statement.parameter(refresh)}::boolean AS refresh, score, ${ITEM_COLUMNS}
     FROM (SELECT item_id, max(score) AS score FROM (${ranked}) ranked
           GROUP BY item_id ORDER BY 2 DESC, 1 LIMIT ${most} OFFSET ${skipped}) page
          JOIN store_items USING (item_id)`,
    refresh,
  );
}

export const isShort = ({ operation }: SemanticSearch, hits: readonly Hit[]): boolean =>
  hits.length < (operation.limit ?? DEFAULT_LIMIT);
