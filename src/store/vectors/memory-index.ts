import { Logger } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import { rangeBelow } from '../namespace.js';
import { Statement } from '../statement.js';
import type { Ranking, VectorPage } from './exact-search.js';
import { SearchThread } from './search-thread.js';
import { matchesSql, readPage, type SemanticSearch, VectorIndex, type VectorRow, hitsNeeded } from './vector-index.js';

/** At most so many vectors are kept in memory. */
const MAX_KEPT_VECTORS = 100_000;
/** Number of rows per read. */
const PAGE = 2_000;
/** A search ranks more items than it needs, because some were put again or deleted in the meantime, or do not match. */
const SPARE = 3;
const MIN_SPARE = 30;

interface VectorRecord {
  vector_id: string;
  item_id: string;
  version: string;
  xact: string;
  /** Null when the vector is outdated. */
  namespace: string | null;
  embedding: Buffer;
}

/** A page without vectors still has one row, with the horizon. */
type FoundRow = { horizon: string } & (VectorRecord | { vector_id: null });

/** A page of vectors with the namespaces of their items, and the horizon: the oldest transaction in progress. */
const pageOf = (condition: string): string => `
  SELECT now.horizon::text, page.*, item.namespace
  FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon, pg_snapshot_xmax(pg_current_snapshot()) AS future) now
  LEFT JOIN LATERAL (
    SELECT vector_id, item_id, version, xact::text, embedding FROM store_vectors
    WHERE space = $1 AND vector_id > $2::bigint AND embedding IS NOT NULL AND ${condition} ORDER BY vector_id LIMIT ${PAGE}
  ) page ON true
  LEFT JOIN LATERAL (
    SELECT namespace FROM store_items WHERE item_id = page.item_id AND version = page.version LIMIT 1
  ) item ON true`;

const ALL = pageOf('true');

/**
 * Vectors that a reader who has read all transactions before $3 may not have read. Row ids cannot tell, because a row
 * with a smaller id may be committed later. Transactions in progress are read again the next time, except their vectors
 * in $4, which were already read. Transactions of the future are not committed; they appear only in a restored backup.
 */
const CHANGES = pageOf('xact >= $3::xid8 AND xact < now.future AND vector_id <> ALL($4::bigint[])');

/** Vectors that are not kept in memory, of the items that match a search, in the order of `vector_id`. */
const pageBehind = (matches: string, after: string, space: string): string =>
  `SELECT vector_id, item_id, version, namespace, embedding
   FROM store_vectors vector CROSS JOIN LATERAL (
     SELECT namespace FROM store_items
     WHERE item_id = vector.item_id AND version = vector.version AND ${matches} LIMIT 1
   ) item
   WHERE space = ${space} AND vector_id > ${after} AND embedding IS NOT NULL
   ORDER BY vector_id LIMIT ${PAGE}`;

/**
 * The index for databases without pgvector: vectors are bytes in the table, and are compared in memory. Each search
 * first reads the vectors that any process has committed. Deleted items are detected when the items are read.
 */
export class MemoryIndex extends VectorIndex {
  private readonly logger = new Logger('Store');
  private thread?: SearchThread;
  /** All transactions before this one have been read. */
  private horizon?: string;
  /** The vectors of later transactions that have been read: transactions by vector. */
  private seen = new Map<string, bigint>();
  /** Vectors with a greater id are not kept. */
  private keptUpTo?: string;
  private size = 0;
  private last: Promise<void> = Promise.resolve();
  private readonly catchingUp: { current?: Promise<void>; next?: Promise<void> } = {};

  constructor(
    private readonly sql: Sql,
    private readonly dims: number,
    private readonly space: string,
    private readonly maxKept = MAX_KEPT_VECTORS,
  ) {
    super();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Removes the vectors of deleted items from memory. */
  maintain(): Promise<void> {
    return this.runExclusively(() => this.forgetRemoved());
  }

  async stop(): Promise<void> {
    await this.thread?.stop();
  }

  addVectors(statement: Statement, rows: readonly VectorRow[]): void {
    const bytes = this.dims * Float32Array.BYTES_PER_ELEMENT;
    const places = rows.map(({ namespace, key }, row) => ({ namespace, key, at: row * bytes + 1 }));
    const vectors = Buffer.concat(rows.map(({ vector }) => Buffer.from(vector.buffer, vector.byteOffset, bytes)));
    statement.with(
      'embedded',
      `(INSERT INTO store_vectors (item_id, version, space, embedding)
        SELECT item_id, version, ${statement.parameter(this.space)},
               substring(${statement.parameter(vectors)}::bytea FROM at FOR ${bytes})
        FROM written JOIN jsonb_to_recordset(${statement.parameter(JSON.stringify(places))}::jsonb)
             AS put(namespace text, key text, at int) USING (namespace, key))`,
    );
  }

  /** A thorough search reads the ids of the matching items from the database and compares only these. */
  async addSearch(statement: Statement, search: SemanticSearch, thorough: boolean): Promise<boolean> {
    if (thorough) {
      await this.maintain();
    }
    await this.catchUp();
    const count = hitsNeeded(search.operation) * SPARE + MIN_SPARE;
    const ranking = await this.rank(search, count, thorough ? await this.matching(search) : undefined);
    this.addRanked(statement, search, ranking);
    return ranking.item_ids.length < count;
  }

  private async matching(search: SemanticSearch): Promise<Float64Array> {
    const condition = new Statement();
    const { rows } = await this.sql.query<{ item_id: string }>(
      `SELECT item_id FROM store_items WHERE ${matchesSql(condition, search)}`,
      condition.values,
      { isPrepared: false },
    );
    return Float64Array.from(rows, ({ item_id }) => Number(item_id));
  }

  /** Adds the ranked items whose versions are still current. */
  private addRanked(statement: Statement, search: SemanticSearch, { item_ids, versions, scores }: Ranking): void {
    const ranked = Array.from(item_ids, (item_id, row) => ({ item_id, version: versions[row], score: scores[row] }));
    readPage(
      statement,
      search,
      `SELECT item_id, score
       FROM jsonb_to_recordset(${statement.parameter(JSON.stringify(ranked))}::jsonb)
            AS ranked(item_id bigint, version bigint, score float8) JOIN store_items USING (item_id, version)
       WHERE ${matchesSql(statement, search)}`,
    );
  }

  private async rank(search: SemanticSearch, count: number, among?: Float64Array): Promise<Ranking> {
    const [from, to] = rangeBelow(search.operation.namespacePrefix);
    const request = { query: search.vector, from, to, among, count };
    const rankings = [await this.thread!.rank(request)];
    for (let after = this.keptUpTo; after !== undefined;) {
      const { rows, page } = await this.readBehind(search, after);
      rankings.push(await this.thread!.rankAmong(page, { ...request, among: undefined }));
      after = rows < PAGE ? undefined : page.last;
    }
    return rankings.length === 1 ? rankings[0] : merge(rankings, count);
  }

  private async readBehind(search: SemanticSearch, after: string): Promise<{ rows: number; page: LastedPage }> {
    const condition = new Statement();
    const [afterName, space] = [`${condition.parameter(after)}::bigint`, condition.parameter(this.space)];
    const text = pageBehind(matchesSql(condition, search), afterName, space);
    const { rows } = await this.sql.query<VectorRecord>(text, condition.values, { isPrepared: false });
    return { rows: rows.length, page: { ...toPage(rows, this.dims), last: rows.at(-1)?.vector_id ?? after } };
  }

  /**
   * One read at a time. A caller during a read waits for the next read, which sees everything committed before the
   * call.
   */
  private catchUp(): Promise<void> {
    const { current } = this.catchingUp;
    if (!current) {
      this.catchingUp.current = this.runExclusively(() => this.readChanges()).finally(() => {
        this.catchingUp.current = undefined;
      });
      return this.catchingUp.current;
    }
    this.catchingUp.next ??= current
      .catch(() => undefined)
      .then(() => {
        this.catchingUp.next = undefined;
        return this.catchUp();
      });
    return this.catchingUp.next;
  }

  /** Serializes changes, because a removal must not be based on an older snapshot than an addition. */
  private runExclusively(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async readChanges(): Promise<void> {
    if (!this.thread || this.thread.hasFailed) {
      this.reset();
    }
    const since = this.horizon;
    const known = [...this.seen.keys()];
    let horizon: string | undefined;
    let after = '0';
    for (let found = PAGE; found === PAGE;) {
      const rows = await this.readPage(after, since, known);
      const page = rows.filter((row): row is FoundRow & VectorRecord => row.vector_id !== null);
      horizon ??= rows[0].horizon;
      await this.take(page.filter(({ namespace }) => namespace !== null));
      const oldest = BigInt(horizon);
      page.forEach(({ vector_id, xact }) => BigInt(xact) >= oldest && this.seen.set(vector_id, BigInt(xact)));
      after = page.at(-1)?.vector_id ?? after;
      found = page.length;
    }
    this.horizon = horizon!;
    const oldest = BigInt(this.horizon);
    this.seen.forEach((xact, vector_id) => xact < oldest && this.seen.delete(vector_id));
  }

  /** Not prepared for changes: a generic plan for any transaction would scan all vectors. */
  private async readPage(after: string, since: string | undefined, known: readonly string[]): Promise<FoundRow[]> {
    const { rows } =
      since === undefined
        ? await this.sql.query<FoundRow>(ALL, [this.space, after])
        : await this.sql.query<FoundRow>(CHANGES, [this.space, after, since, known], { isPrepared: false });
    return rows;
  }

  private async take(changes: readonly VectorRecord[]): Promise<void> {
    if (changes.length > 0 && this.size + changes.length > this.maxKept && this.keptUpTo === undefined) {
      await this.forgetRemoved();
    }
    const room = this.keptUpTo === undefined ? Math.max(this.maxKept - this.size, 0) : 0;
    const kept = changes.slice(0, room);
    if (kept.length > 0) {
      this.size = await this.thread!.add(toPage(kept, this.dims));
    }
    if (kept.length < changes.length && this.keptUpTo === undefined) {
      this.keptUpTo = String(BigInt(changes[kept.length].vector_id) - 1n);
      this.logger.warn(
        `The store has more than ${this.maxKept} vectors, the maximum kept in memory; each search reads the others. ` +
          'Install pgvector in the database (https://github.com/pgvector/pgvector) and restart the server.',
      );
    }
  }

  /** Removes items from memory that were deleted, have expired, or were put without an index. */
  private async forgetRemoved(): Promise<void> {
    if (!this.thread || this.thread.hasFailed) {
      return;
    }
    const { rows } = await this.sql.query<{ item_id: string }>(
      'SELECT DISTINCT item_id FROM store_vectors JOIN store_items USING (item_id, version) WHERE space = $1',
      [this.space],
    );
    this.size = await this.thread.keep(Float64Array.from(rows, ({ item_id }) => Number(item_id)));
  }

  private reset(): void {
    this.thread = new SearchThread(this.dims);
    this.horizon = undefined;
    this.seen.clear();
    this.keptUpTo = undefined;
    this.size = 0;
  }
}

type LastedPage = VectorPage & { last: string };

function toPage(rows: readonly VectorRecord[], dims: number): VectorPage {
  const vectors = new Float32Array(rows.length * dims);
  rows.forEach(({ embedding }, row) => new Uint8Array(vectors.buffer).set(embedding, row * dims * 4));
  return {
    item_ids: Float64Array.from(rows, ({ item_id }) => Number(item_id)),
    versions: Float64Array.from(rows, ({ version }) => Number(version)),
    namespaces: rows.map(({ namespace }) => namespace!),
    vectors,
  };
}

/** Merges rankings; an item may be in more than one. */
function merge(rankings: readonly Ranking[], count: number): Ranking {
  const best = new Map<number, { item_id: number; version: number; score: number }>();
  for (const { item_ids, versions, scores } of rankings) {
    item_ids.forEach((item_id, row) => {
      if (!(scores[row] <= (best.get(item_id)?.score ?? -Infinity))) {
        best.set(item_id, { item_id, version: versions[row], score: scores[row] });
      }
    });
  }
  const sorted = [...best.values()].sort((a, b) => b.score - a.score || a.item_id - b.item_id).slice(0, count);
  return {
    item_ids: Float64Array.from(sorted, ({ item_id }) => item_id),
    versions: Float64Array.from(sorted, ({ version }) => version),
    scores: Float64Array.from(sorted, ({ score }) => score),
  };
}
