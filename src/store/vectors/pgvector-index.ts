import { createHash } from 'node:crypto';
import { type Queryable, SCHEMA_LOCK_TIMEOUT_MS, type Sql } from '../../database/index.js';
import type { Statement } from '../statement.js';
import { matchesSql, readPage, type SemanticSearch, VectorIndex, type VectorRow, wantedOf } from './vector-index.js';

/** Up to so many items in reach of a search are all compared: the graph of the index is for more. */
const FEW = 1_000;
/**
 * Up to so many bytes of vectors all of them are compared, which takes a tenth of a second; then it gets an index, which
 * answers sooner and makes puts slower, and may overlook what is near when texts have nothing to do with each other
 * (docs/decisions/0015). A hundred thousand vectors of 384 numbers are 150 MB.
 */
const MOST_COMPARED_BYTES = 200 * 1024 * 1024;
/** Vectors that the index looks for, for each item that is wanted: some items have several, some are not valid any more. */
const SPARE = 4;
/** How thoroughly the graph is searched, and built: recall against time, see docs/decisions/0015. */
const LEAST_EF_SEARCH = 400;
const MOST_EF_SEARCH = 1_000;
const M = 16;
const EF_CONSTRUCTION = 100;
/** Vectors that the index goes through until enough of them match. */
const MOST_SCANNED = 50_000;
/** Vectors that are taken over at a time. */
const TAKEN_OVER = 500;

/** Any number, the same in every process: only one of them changes the schema at a time. */
const SCHEMA_LOCK = 7_261_987;

/** For building the index: with less it takes many times as long. */
const BUILD_MEMORY = '512MB';

/** Whether there are more vectors than can be compared, the index can be used, and one is there that a broken-off attempt has left. */
const INDEX_STATE = `
  SELECT (SELECT count(*) FROM store_vectors WHERE space = $3) * $4::bigint > $2::bigint AS is_big,
         coalesce(bool_or(indisvalid), false) AS is_valid,
         coalesce(bool_or(NOT indisvalid AND building.index_relid IS NULL), false) AS is_left
  FROM (SELECT to_regclass($1) AS name) named JOIN pg_index ON indexrelid = name
       LEFT JOIN pg_stat_progress_create_index building ON building.index_relid = indexrelid`;

/** What pgvector's index takes at most: numbers of four bytes, or of two. */
const MOST_DIMS = 2_000;
const MOST_HALF_DIMS = 4_000;

interface Version {
  major: number;
  minor: number;
}

/** Vectors in a column of pgvector's, whose HNSW index finds the nearest. */
export class PgvectorIndex extends VectorIndex {
  private version: Version = { major: 0, minor: 0 };

  constructor(
    private readonly sql: Sql,
    private readonly dims: number,
    private readonly space: string,
    private readonly mostComparedBytes = MOST_COMPARED_BYTES,
  ) {
    super();
  }

  /** Vectors that were put before the database had the extension are taken over. */
  async start(): Promise<void> {
    await this.sql.transaction(
      async (db) => {
        await db.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
        await db.query('CREATE EXTENSION IF NOT EXISTS vector');
        await db.query('ALTER TABLE store_vectors ADD COLUMN IF NOT EXISTS embedding_vector vector');
        this.version = await versionOf(db);
        for (let after: string | undefined = '0'; after !== undefined;) {
          after = await takeOver(db, after);
        }
      },
      { lock_timeout_ms: SCHEMA_LOCK_TIMEOUT_MS },
    );
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** Makes the index when the table has grown. Puts and searches go on meanwhile. */
  async tend(): Promise<void> {
    const definition = this.indexSql();
    const { rows } = await this.sql.query<{ is_big: boolean; is_valid: boolean; is_left: boolean }>(INDEX_STATE, [
      this.indexName,
      this.mostComparedBytes,
      this.space,
      this.dims * Float32Array.BYTES_PER_ELEMENT,
    ]);
    const [{ is_big, is_valid, is_left }] = rows;
    if (!definition || !is_big || is_valid) {
      return;
    }
    await this.sql.session(async (db) => {
      await db.query(`SELECT set_config('maintenance_work_mem', '${BUILD_MEMORY}', false)`);
      if (is_left) {
        await db.query(`DROP INDEX CONCURRENTLY IF EXISTS ${this.indexName}`);
      }
      await db.query(definition);
    });
  }

  addVectors(statement: Statement, rows: readonly VectorRow[]): void {
    const vectors = rows.map(({ namespace, key, vector }) => ({ namespace, key, vector: toText(vector) }));
    statement.with(
      'embedded',
      `(INSERT INTO store_vectors (item_id, version, space, embedding_vector)
        SELECT item_id, version, ${statement.parameter(this.space)}, vector::vector
        FROM written JOIN jsonb_to_recordset(${statement.parameter(JSON.stringify(vectors))}::jsonb)
             AS put(namespace text, key text, vector text) USING (namespace, key))`,
    );
  }

  /**
   * The planner cannot know how many items a filter leaves: when they are few, all of them are compared; when they are
   * many, the index goes on until it has found enough that match; without one, or when it gives up before, all are compared
   * after all.
   */
  addSearch(statement: Statement, search: SemanticSearch): Promise<boolean> {
    const { op, operation } = search;
    const matches = matchesSql(statement, search);
    const space = `space = ${literal(this.space)}`;
    const query = statement.parameter(toText(search.vector));
    const score = `-(embedding_vector <#> ${query}::vector)`;
    const few = `few_${op}`;
    statement.with(few, `MATERIALIZED (SELECT item_id, version FROM store_items WHERE ${matches} LIMIT ${FEW + 1})`);
    const isFew = `(SELECT count(*) FROM ${few}) <= ${FEW}`;
    const isIndexed = `EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('${this.indexName}') AND indisvalid)`;
    const wanted = wantedOf(operation);
    // One by one, for each vector that the index comes to: the planner would rather read all of both tables.
    const valid = `SELECT FROM store_items
                   WHERE item_id = vector.item_id AND version = vector.version AND ${matches} LIMIT 1`;
    statement.with(
      `near_${op}`,
      `MATERIALIZED (SELECT item_id, ${score} AS score FROM (
         SELECT item_id, embedding_vector FROM store_vectors vector CROSS JOIN LATERAL (${valid}) item
         WHERE NOT ${isFew} AND ${isIndexed} AND ${this.settingsSql(wanted * SPARE)} AND ${space}
         ORDER BY ${this.column} <#> ${query}${this.cast} LIMIT ${statement.parameter(wanted * SPARE)}::bigint
       ) near)`,
    );
    const gaveUp = `(SELECT count(DISTINCT item_id) FROM near_${op}) < ${statement.parameter(wanted)}::bigint`;
    readPage(
      statement,
      search,
      `SELECT item_id, ${score} AS score FROM ${few} JOIN store_vectors USING (item_id, version) WHERE ${isFew} AND ${space}
       UNION ALL SELECT item_id, score FROM near_${op}
       UNION ALL SELECT item_id, ${score} FROM store_vectors JOIN store_items USING (item_id, version)
                 WHERE NOT ${isFew} AND ${gaveUp} AND ${space} AND ${matches}`,
    );
    return Promise.resolve(true);
  }

  /** Takes effect before the index is read, because a condition without any column is looked at first; only for this statement. */
  private settingsSql(spare: number): string {
    const settings = { 'hnsw.ef_search': Math.min(Math.max(LEAST_EF_SEARCH, spare), MOST_EF_SEARCH), ...this.goesOn };
    const each = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
    return `(SELECT ${each.join(' || ')}) IS NOT NULL`;
  }

  /** Before 0.8 the index gives up when what it has found at first does not match. */
  private get goesOn(): Record<string, string | number> {
    const { major, minor } = this.version;
    const knows = major > 0 || minor >= 8;
    return knows ? { 'hnsw.iterative_scan': 'relaxed_order', 'hnsw.max_scan_tuples': MOST_SCANNED } : {};
  }

  /** The column as the index has it. */
  private get column(): string {
    return `(embedding_vector${this.cast})`;
  }

  private get cast(): string {
    return this.dims <= MOST_DIMS ? `::vector(${this.dims})` : `::halfvec(${this.dims})`;
  }

  private get indexName(): string {
    return `store_vectors_${createHash('sha256').update(this.space).digest('hex').slice(0, 16)}`;
  }

  /** Undefined for vectors that are too long for an index: then all are compared. */
  private indexSql(): string | undefined {
    const hasHalf = this.version.major > 0 || this.version.minor >= 7;
    if (this.dims > (hasHalf ? MOST_HALF_DIMS : MOST_DIMS)) {
      return undefined;
    }
    const type = this.dims <= MOST_DIMS ? 'vector' : 'halfvec';
    return `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${this.indexName} ON store_vectors USING hnsw (${this.column} ${type}_ip_ops)
            WITH (m = ${M}, ef_construction = ${EF_CONSTRUCTION}) WHERE space = ${literal(this.space)}`;
  }
}

/** Gives the last one of those that were taken over; undefined when there are no more. */
async function takeOver(db: Queryable, after: string): Promise<string | undefined> {
  const { rows } = await db.query<{ vector_id: string; embedding: Buffer }>(
    'SELECT vector_id, embedding FROM store_vectors WHERE embedding IS NOT NULL AND vector_id > $1 ORDER BY vector_id LIMIT $2',
    [after, TAKEN_OVER],
  );
  const vectors = rows.map(({ vector_id, embedding }) => ({ vector_id, vector: toText(fromBytes(embedding)) }));
  await db.query(
    `UPDATE store_vectors SET embedding_vector = taken.vector::vector, embedding = NULL
     FROM jsonb_to_recordset($1::jsonb) AS taken(vector_id bigint, vector text)
     WHERE store_vectors.vector_id = taken.vector_id`,
    [JSON.stringify(vectors)],
  );
  return rows.at(-1)?.vector_id;
}

async function versionOf(db: Queryable): Promise<Version> {
  const { rows } = await db.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'`,
  );
  const [major, minor] = rows[0].version.split('.').map(Number);
  return { major, minor };
}

/** Nine digits are all that four bytes hold. */
const toText = (vector: Float32Array): string => `[${Array.from(vector, (number) => number.toPrecision(9)).join(',')}]`;

const fromBytes = (bytes: Buffer): Float32Array =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** The condition of a partial index has to be in the text of a statement that is to use it. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
