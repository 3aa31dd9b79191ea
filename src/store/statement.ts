import { encodeNamespace } from './namespace.js';

/** One row that a statement reads: an item, or a namespace. */
export interface Hit {
  /** The index of its operation in the batch; `rank` is its position in the result. */
  op: number;
  rank: string;
  namespace: string;
  key: string;
  value: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
  score: number | null;
}

/** SQL condition: the item has not expired. */
export const ALIVE = '(expires_at IS NULL OR expires_at > now())';

/** The item columns of a hit; `op`, `rank`, `refresh` and `score` come before them. */
export const ITEM_COLUMNS = 'item_id, namespace, key, value, created_at, updated_at';

const EXPIRY = `ttl_minutes * interval '1 minute'`;

/**
 * Bounds the writes of frequent reads: a read writes the new expiry only when it moves by a second, or by a hundredth
 * of the time to live.
 */
const NOTICEABLE = `least(${EXPIRY} / 100, interval '1 second')`;

/** An item to put, see {@link Statement.put}. */
export interface PutRow {
  namespace: string;
  key: string;
  value: unknown;
  ttl: number | null;
}

/**
 * Builds one statement from all operations of a batch. Its parts share one snapshot: reads see the items as they were
 * before the writes, as in LangGraph's own stores.
 */
export class Statement {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];
  private readonly reads: string[] = [];
  private refreshes = false;

  /** Adds a value and returns its placeholder. */
  readonly parameter = (value: unknown): string => {
    this.values.push(value);
    return `$${this.values.length}`;
  };

  /** Adds a named query (CTE). */
  with(name: string, query: string): void {
    this.parts.push(`${name} AS ${query}`);
  }

  /** Adds a read. `query` returns `op`, `rank`, `refresh`, `score` and then {@link ITEM_COLUMNS}, in this order. */
  read(query: string, refreshes: boolean): void {
    this.reads.push(`(${query})`);
    this.refreshes ||= refreshes;
  }

  /**
   * Adds reads by key. LATERAL enforces one index lookup per key: a plan that was cached while the table was small
   * would keep scanning the whole table.
   */
  get(rows: readonly { op: number; namespace: string; key: string; refresh: boolean }[]): void {
    const asked = `jsonb_to_recordset(${this.json(rows)}) AS asked(op int, namespace text, key text, refresh boolean)`;
    this.read(
      `SELECT asked.op, 0::bigint AS rank, asked.refresh, NULL::float8 AS score, ${ITEM_COLUMNS.split(', ')
        .map((column) => `item.${column}`)
        .join(', ')}
       FROM ${asked} CROSS JOIN LATERAL (
         SELECT * FROM store_items WHERE namespace = asked.namespace AND key = asked.key AND ${ALIVE} LIMIT 1
       ) item`,
      rows.some(({ refresh }) => refresh),
    );
  }

  /**
   * Adds puts. An expired item counts as missing, even before the sweep deletes it. Rows are written in key order, so
   * that batches with the same items cannot deadlock. `updated_at` always increases, by at least a millisecond per put.
   */
  put(rows: readonly PutRow[]): void {
    this.with(
      'written',
      `(INSERT INTO store_items AS item (namespace, key, value, ttl_minutes, expires_at, created_at, updated_at)
        SELECT namespace, key, value, ttl, at + ttl * interval '1 minute', at, at
        FROM jsonb_to_recordset(${this.json(rows)}) AS put(namespace text, key text, value jsonb, ttl float8),
             date_trunc('milliseconds', clock_timestamp()) AS at
        ORDER BY namespace COLLATE "C", key COLLATE "C"
        ON CONFLICT (namespace, key) DO UPDATE SET
          value = EXCLUDED.value, ttl_minutes = EXCLUDED.ttl_minutes, expires_at = EXCLUDED.expires_at,
          version = nextval('store_versions'),
          created_at = CASE WHEN item.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.created_at ELSE item.created_at END,
          updated_at = greatest(EXCLUDED.updated_at, item.updated_at + interval '1 millisecond')
        RETURNING item_id, namespace, key, version)`,
    );
  }

  /**
   * Removes the outdated vectors of the items that are put. New vectors are not visible to this part of the statement.
   */
  removeVectors(): void {
    this.with(
      'outdated',
      '(DELETE FROM store_vectors WHERE item_id = ANY(ARRAY(SELECT item_id FROM written ORDER BY item_id)))',
    );
  }

  delete(rows: readonly { namespace: string; key: string }[]): void {
    this.with(
      'deleted',
      `(DELETE FROM store_items WHERE item_id = ANY(ARRAY(
          SELECT item.item_id
          FROM jsonb_to_recordset(${this.json(rows)}) AS asked(namespace text, key text) CROSS JOIN LATERAL (
            SELECT item_id FROM store_items WHERE namespace = asked.namespace AND key = asked.key LIMIT 1
          ) item ORDER BY item.item_id
        )))`,
    );
  }

  get isEmpty(): boolean {
    return this.parts.length === 0 && this.reads.length === 0;
  }

  /** Returns the SQL. `written` are the keys that the statement writes; their time to live restarts anyway. */
  text(written: readonly { namespace: readonly string[]; key: string }[]): string {
    if (this.reads.length > 0) {
      this.with('hits', `MATERIALIZED (${this.reads.join(' UNION ALL ')})`);
    }
    if (this.refreshes) {
      this.with('refreshed', this.refresh(written));
    }
    const hits = this.reads.length > 0 ? 'SELECT * FROM hits ORDER BY op, rank' : 'SELECT WHERE false';
    return `WITH RECURSIVE ${this.parts.join(', ')} ${hits}`;
  }

  /**
   * Restarts the time to live of items that were read (`refresh_ttl`, `refresh_on_read`). SKIP LOCKED: a read does not
   * wait for a concurrent write or refresh of the item.
   */
  private refresh(written: readonly { namespace: readonly string[]; key: string }[]): string {
    const others =
      written.length === 0
        ? ''
        : `AND NOT EXISTS (SELECT FROM jsonb_to_recordset(${this.json(
            written.map(({ namespace, key }) => ({ namespace: encodeNamespace(namespace), key })),
          )}) AS own(namespace text, key text) WHERE own.namespace = item.namespace AND own.key = item.key)`;
    return `(UPDATE store_items SET expires_at = now() + ${EXPIRY} WHERE item_id = ANY(ARRAY(
        SELECT item.item_id FROM hits JOIN store_items item ON item.item_id = hits.item_id
        WHERE hits.refresh AND item.expires_at > now() AND item.expires_at < now() + ${EXPIRY} - ${NOTICEABLE} ${others}
        FOR NO KEY UPDATE OF item SKIP LOCKED)))`;
  }

  private json(value: unknown): string {
    return `${this.parameter(JSON.stringify(value))}::jsonb`;
  }
}
