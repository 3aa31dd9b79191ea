import { encodeNamespace } from './namespace.js';

/** One row of what a statement reads: an item, or the name of a namespace. */
export interface Hit {
  /** Which operation of the batch it belongs to, and its place in the answer. */
  op: number;
  rank: string;
  namespace: string;
  key: string;
  value: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
  score: number | null;
}

/** Of a table of items: those that have not expired. */
export const ALIVE = '(expires_at IS NULL OR expires_at > now())';

/** Of an item: the columns of a hit, behind those that say where it belongs. */
export const ITEM_COLUMNS = 'item_id, namespace, key, value, created_at, updated_at';

const EXPIRY = `ttl_minutes * interval '1 minute'`;

/**
 * A read that finds an item again and again writes it only when that moves its end by a second, or a hundredth of its time
 * to live.
 */
const NOTICEABLE = `least(${EXPIRY} / 100, interval '1 second')`;

/** An item that is put: the parameter of {@link Statement.put}. */
export interface PutRow {
  namespace: string;
  key: string;
  value: unknown;
  ttl: number | null;
}

/**
 * All operations of a batch as one statement. Its parts share one snapshot: reads see what was there before the writes, as
 * in LangGraph's own stores.
 */
export class Statement {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];
  private readonly reads: string[] = [];
  private refreshes = false;

  /** Takes a value and gives the name it has in the text. */
  readonly parameter = (value: unknown): string => {
    this.values.push(value);
    return `$${this.values.length}`;
  };

  /** A named query that reads refer to. */
  with(name: string, query: string): void {
    this.parts.push(`${name} AS ${query}`);
  }

  /** `query` gives the columns of a {@link Hit}, with `item_id` and with `refresh` before it, in the order of {@link hits}. */
  read(query: string, refreshes: boolean): void {
    this.reads.push(`(${query})`);
    this.refreshes ||= refreshes;
  }

  /**
   * Items by their keys. One look into the index for each: a plan made while the table was small would go on reading all
   * of it.
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
   * An item that has expired counts as gone, whether it is still there or not. In the order of the keys: batches that write
   * the same items do not wait for each other in a circle. The clock of two puts in one millisecond goes on by another.
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

  /** Those of the items that are put: their texts are not the same any more. New ones are not seen by this statement. */
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

  /** The text; `written` are the keys that the same statement writes: their time to live begins again anyway. */
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

  /** SKIP LOCKED: a read does not wait for whoever writes the item, or refreshes it at the same moment. */
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
