import { createHash } from 'node:crypto';
import type { Queryable, Sql } from '../../database/index.js';
import type { Statement } from '../statement.js';
import { matchesSql, readPage, type SemanticSearch, VectorIndex, type VectorRow, wantedOf } from './vector-index.js';

/** Up to so many vectors in reach of a search are all compared: the graph of the index is for more. */
const FEW = 1_000;
/** Vectors that the index looks for, for each item that is wanted: some items have several, some are not valid any more. */
const SPARE = 4;
/** How thoroughly the graph is searched, and built: recall against time, see docs/decisions/0015. */
const LEAST_EF_SEARCH = 400;
const MOST_EF_SEARCH = 1_000;
const M = 24;
const EF_CONSTRUCTION = 200;
/** Vectors that the index goes through until enough of them match. */
const MOST_SCANNED = 50_000;
/** Vectors that are taken over at a time. */
const TAKEN_OVER = 500;

/** Any number, the same in every process: only one of them changes the schema at a time. */
const SCHEMA_LOCK = 7_261_987;

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
  ) {
    super();
  }

  /** Vectors that were put before the database had the extension are taken over. */
  async start(): Promise<void> {
    await this.sql.transaction(async (db) => {
      await db.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await db.query('CREATE EXTENSION IF NOT EXISTS vector');
      await db.query('ALTER TABLE store_vectors ADD COLUMN IF NOT EXISTS embedding_vector vector');
      this.version = await versionOf(db);
      for (let taken = TAKEN_OVER; taken === TAKEN_OVER;) {
        taken = await this.takeOver(db);
      }
      await db.query(`SELECT set_config('maintenance_work_mem', '512MB', true)`);
      const index = this.indexSql();
      if (index) {
        await db.query(index);
      }
    });
  }

  stop(): Promise<void> {
    return Promise.resolve();
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
   * The planner cannot know how many items a filter leaves: when they are few, all of them are compared; when they are many,
   * the index goes on until it has found enough that match; when it gives up before, all are compared after all.
   */
  addSearch(statement: Statement, search: SemanticSearch): Promise<boolean> {
    const { op, operation } = search;
    const matches = matchesSql(statement, search);
    const inSpace = `FROM store_vectors JOIN store_items USING (item_id, version) WHERE space = ${literal(this.space)}`;
    const query = statement.parameter(toText(search.vector));
    const score = `-(embedding_vector <#> ${query}::vector)`;
    statement.with(`few_${op}`, `MATERIALIZED (SELECT vector_id ${inSpace} AND ${matches} LIMIT ${FEW + 1})`);
    const isFew = `(SELECT count(*) FROM few_${op}) <= ${FEW}`;
    const wanted = wantedOf(operation);
    statement.with(
      `near_${op}`,
      `MATERIALIZED (SELECT item_id, ${score} AS score FROM (
         SELECT item_id, embedding_vector ${inSpace} AND NOT ${isFew} AND ${this.settingsSql(wanted * SPARE)} AND ${matches}
         ORDER BY ${this.column} <#> ${query}${this.cast} LIMIT ${statement.parameter(wanted * SPARE)}::bigint
       ) near)`,
    );
    const gaveUp = `(SELECT count(DISTINCT item_id) FROM near_${op}) < ${statement.parameter(wanted)}::bigint`;
    readPage(
      statement,
      search,
      `SELECT item_id, ${score} AS score FROM few_${op} JOIN store_vectors USING (vector_id) WHERE ${isFew}
       UNION ALL SELECT item_id, score FROM near_${op}
       UNION ALL SELECT item_id, ${score} ${inSpace} AND NOT ${isFew} AND ${gaveUp} AND ${matches}`,
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

  /** Undefined for vectors that are too long for an index: then all are compared. */
  private indexSql(): string | undefined {
    const hasHalf = this.version.major > 0 || this.version.minor >= 7;
    if (this.dims > (hasHalf ? MOST_HALF_DIMS : MOST_DIMS)) {
      return undefined;
    }
    const type = this.dims <= MOST_DIMS ? 'vector' : 'halfvec';
    const name = `store_vectors_${createHash('sha256').update(this.space).digest('hex').slice(0, 16)}`;
    return `CREATE INDEX IF NOT EXISTS ${name} ON store_vectors USING hnsw (${this.column} ${type}_ip_ops)
            WITH (m = ${M}, ef_construction = ${EF_CONSTRUCTION}) WHERE space = ${literal(this.space)}`;
  }

  private async takeOver(db: Queryable): Promise<number> {
    const { rows } = await db.query<{ vector_id: string; embedding: Buffer }>(
      'SELECT vector_id, embedding FROM store_vectors WHERE embedding IS NOT NULL LIMIT $1',
      [TAKEN_OVER],
    );
    const vectors = rows.map(({ vector_id, embedding }) => ({ vector_id, vector: toText(fromBytes(embedding)) }));
    await db.query(
      `UPDATE store_vectors SET embedding_vector = taken.vector::vector, embedding = NULL
       FROM jsonb_to_recordset($1::jsonb) AS taken(vector_id bigint, vector text)
       WHERE store_vectors.vector_id = taken.vector_id`,
      [JSON.stringify(vectors)],
    );
    return rows.length;
  }
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
