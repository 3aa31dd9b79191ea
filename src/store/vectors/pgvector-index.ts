import { createHash } from 'node:crypto';
import { type Queryable, SCHEMA_LOCK_TIMEOUT_MS, type Sql } from '../../database/index.js';
import type { Statement } from '../statement.js';
import { matchesSql, readPage, type SemanticSearch, VectorIndex, type VectorRow, hitsNeeded } from './vector-index.js';

/** When at most so many items match, a search compares all of them and does not use the HNSW index. */
const FEW = 1_000;
/**
 * Up to so many bytes of vectors, a search compares all of them, which takes a tenth of a second. Beyond that, an index
 * is created. It makes searches faster and puts slower, and may miss near vectors when texts are unrelated
 * (docs/decisions/0015). A hundred thousand vectors of 384 numbers are 150 MB.
 */
const MAX_COMPARED_BYTES = 200 * 1024 * 1024;
/**
 * The index returns so many vectors per needed item: some items have several vectors, and some vectors are outdated.
 */
const SPARE = 4;
/** HNSW parameters for searching and building: recall against time, see docs/decisions/0015. */
const MIN_EF_SEARCH = 400;
const MAX_EF_SEARCH = 1_000;
const M = 16;
const EF_CONSTRUCTION = 100;
/** The index scans at most so many vectors until enough of them match. */
const MAX_SCANNED = 50_000;
/** Number of vectors that are converted per statement. */
const MIGRATION_BATCH_SIZE = 500;

/** Advisory lock, the same in every process: only one process changes the schema at a time. */
const SCHEMA_LOCK = 7_261_987;

/** `maintenance_work_mem` for building the index; with less, building takes many times as long. */
const BUILD_MEMORY = '512MB';

/**
 * Whether there are too many vectors to compare all, the index is valid, and an aborted build has left an invalid
 * index.
 */
const INDEX_STATE = `
  SELECT (SELECT count(*) FROM store_vectors WHERE space = $3) * $4::bigint > $2::bigint AS is_big,
         coalesce(bool_or(indisvalid), false) AS is_valid,
         coalesce(bool_or(NOT indisvalid AND building.index_relid IS NULL), false) AS is_left
  FROM (SELECT to_regclass($1) AS name) named JOIN pg_index ON indexrelid = name
       LEFT JOIN pg_stat_progress_create_index building ON building.index_relid = indexrelid`;

/** Maximum dimensions of a pgvector index, with four-byte numbers (`vector`) and two-byte numbers (`halfvec`). */
const MAX_DIMS = 2_000;
const MAX_HALF_DIMS = 4_000;

interface Version {
  major: number;
  minor: number;
}

/** Vectors in a pgvector column, searched with an HNSW index. */
export class PgvectorIndex extends VectorIndex {
  private version: Version = { major: 0, minor: 0 };

  constructor(
    private readonly sql: Sql,
    private readonly dims: number,
    private readonly space: string,
    private readonly maxComparedBytes = MAX_COMPARED_BYTES,
  ) {
    super();
  }

  /** Also converts the vectors that were put before the database had the extension. */
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

  /** Creates the index once the table is large enough. Puts and searches continue in the meantime. */
  async maintain(): Promise<void> {
    const definition = this.indexSql();
    const { rows } = await this.sql.query<{ is_big: boolean; is_valid: boolean; is_left: boolean }>(INDEX_STATE, [
      this.indexName,
      this.maxComparedBytes,
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
   * The planner cannot know how many items match a filter. When they are few, all of them are compared. When they are
   * many, the index is scanned until enough vectors match. Without an index, or when the scan ends early, all are
   * compared.
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
    const wanted = hitsNeeded(operation);
    // LATERAL enforces a lookup per vector that the index returns; otherwise the planner reads both tables completely.
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

  /**
   * Sets HNSW parameters for this statement only. A condition without columns is evaluated before the index is read.
   */
  private settingsSql(spare: number): string {
    const settings = {
      'hnsw.ef_search': Math.min(Math.max(MIN_EF_SEARCH, spare), MAX_EF_SEARCH),
      ...this.iterativeScan,
    };
    const each = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
    return `(SELECT ${each.join(' || ')}) IS NOT NULL`;
  }

  /** Iterative scans need pgvector 0.8. Before that, the scan ends when the vectors it found first do not match. */
  private get iterativeScan(): Record<string, string | number> {
    const { major, minor } = this.version;
    const knows = major > 0 || minor >= 8;
    return knows ? { 'hnsw.iterative_scan': 'relaxed_order', 'hnsw.max_scan_tuples': MAX_SCANNED } : {};
  }

  /** The expression that is indexed. */
  private get column(): string {
    return `(embedding_vector${this.cast})`;
  }

  private get cast(): string {
    return this.dims <= MAX_DIMS ? `::vector(${this.dims})` : `::halfvec(${this.dims})`;
  }

  private get indexName(): string {
    return `store_vectors_${createHash('sha256').update(this.space).digest('hex').slice(0, 16)}`;
  }

  /** Undefined for vectors with too many dimensions for an index: then all are compared. */
  private indexSql(): string | undefined {
    const hasHalf = this.version.major > 0 || this.version.minor >= 7;
    if (this.dims > (hasHalf ? MAX_HALF_DIMS : MAX_DIMS)) {
      return undefined;
    }
    const type = this.dims <= MAX_DIMS ? 'vector' : 'halfvec';
    return `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${this.indexName} ON store_vectors USING hnsw (${this.column} ${type}_ip_ops)
            WITH (m = ${M}, ef_construction = ${EF_CONSTRUCTION}) WHERE space = ${literal(this.space)}`;
  }
}

/** Converts a batch and returns the last id of it; undefined when none are left. */
async function takeOver(db: Queryable, after: string): Promise<string | undefined> {
  const { rows } = await db.query<{ vector_id: string; embedding: Buffer }>(
    'SELECT vector_id, embedding FROM store_vectors WHERE embedding IS NOT NULL AND vector_id > $1 ORDER BY vector_id LIMIT $2',
    [after, MIGRATION_BATCH_SIZE],
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

/** Nine significant digits preserve a four-byte float exactly. */
const toText = (vector: Float32Array): string => `[${Array.from(vector, (number) => number.toPrecision(9)).join(',')}]`;

const fromBytes = (bytes: Buffer): Float32Array =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** A statement uses a partial index only when it contains the index condition as a literal. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
