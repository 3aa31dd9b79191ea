import type { ItemFilter } from '../filter.js';
import { DEFAULT_LIMIT, type SearchOperation } from '../operations.js';
import { itemsBelow } from '../search-sql.js';
import { filterSql } from '../filter.js';
import { type Hit, ITEM_COLUMNS, Statement } from '../statement.js';

/** A search by meaning, and its place in its batch. */
export interface SemanticSearch {
  op: number;
  operation: SearchOperation;
  filter: ItemFilter;
  refresh: boolean;
  /** The query; of length 1. */
  vector: Float32Array;
}

/** A text of an item that is put, as a vector of length 1. */
export interface VectorRow {
  namespace: string;
  key: string;
  vector: Float32Array;
}

/**
 * Where vectors are and how the nearest ones are found: in the database, or in memory. An item is as similar as the most
 * similar of its texts; items without vectors are not found. Results are the same, whichever index finds them.
 */
export abstract class VectorIndex {
  /** Connects, and makes what is missing. */
  abstract start(): Promise<void>;

  /** From time to time, in every process: does what can be done beside the work. */
  abstract tend(): Promise<void>;

  abstract stop(): Promise<void>;

  /** Adds to a statement, behind `written`: the vectors of its puts replace those that the items had. */
  abstract addVectors(statement: Statement, rows: readonly VectorRow[]): void;

  /**
   * Adds a read to a statement. False when it may overlook something: when too little is found, it has to be added once
   * more, to another statement, as one that is to be `thorough`, whatever it takes.
   */
  abstract addSearch(statement: Statement, search: SemanticSearch, thorough: boolean): Promise<boolean>;
}

/** How many items a search has to find before it can answer. */
export const wantedOf = ({ limit = DEFAULT_LIMIT, offset = 0 }: SearchOperation): number => limit + offset;

/** SQL on items and what is joined to them: in reach of the search. */
export function matchesSql(statement: Statement, { operation, filter }: SemanticSearch): string {
  const below = itemsBelow(statement, operation.namespacePrefix);
  return `${below} AND ${filterSql(filter, statement.parameter)}`;
}

/** Adds the page of a search, of a query that gives `item_id` and `score`, once or more often for each item. */
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
