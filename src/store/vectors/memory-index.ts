import { Logger } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import { rangeBelow } from '../namespace.js';
import { Statement } from '../statement.js';
import type { Ranking, VectorPage } from './exact-search.js';
import { SearchThread } from './search-thread.js';
import { matchesSql, readPage, type SemanticSearch, VectorIndex, type VectorRow, wantedOf } from './vector-index.js';

/** Vectors that are kept in memory. */
const MOST_KEPT = 100_000;
/** Rows that are read at a time. */
const PAGE = 2_000;
/** Items that are looked for beyond those that are wanted: some have been put again or removed meanwhile, or do not match. */
const SPARE = 3;
const LEAST_SPARE = 30;

interface VectorRecord {
  vector_id: string;
  item_id: string;
  version: string;
  xact: string;
  /** Null when the vector is not valid any more. */
  namespace: string | null;
  embedding: Buffer;
}

/** One row when nothing is found, too. */
type FoundRow = { horizon: string } & (VectorRecord | { vector_id: null });

/** A page of vectors, with the namespaces of their items and the oldest transaction that was under way. */
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
 * What transactions have written that one who has seen all before $3 may not have seen. Numbers of rows do not tell: a row
 * with a smaller one may be committed later. Transactions that are under way while we look are looked for again next time;
 * what we have of them already is $4. None of the future has been committed: a backup that was restored only looks so.
 */
const CHANGES = pageOf('xact >= $3::xid8 AND xact < now.future AND vector_id <> ALL($4::bigint[])');

/** Vectors that are not kept in memory, for those items that a search is about; in the order of the key of the table. */
const pageBehind = (matches: string, after: string, space: string): string =>
  `SELECT vector_id, item_id, version, namespace, embedding
   FROM store_vectors vector CROSS JOIN LATERAL (
     SELECT namespace FROM store_items
     WHERE item_id = vector.item_id AND version = vector.version AND ${matches} LIMIT 1
   ) item
   WHERE space = ${space} AND vector_id > ${after} AND embedding IS NOT NULL
   ORDER BY vector_id LIMIT ${PAGE}`;

/**
 * Vectors as bytes in the table, and in memory, where all of them are compared: for databases without pgvector. Before each
 * search, what other processes and this one have committed is read; what was removed is found out when the items are.
 */
export class MemoryIndex extends VectorIndex {
  private readonly logger = new Logger('Store');
  private thread?: SearchThread;
  /** All transactions before it have been seen. */
  private horizon?: string;
  /** What has been seen of later ones: transactions by vector. */
  private seen = new Map<string, bigint>();
  /** Vectors behind this one are not kept. */
  private keptUpTo?: string;
  private size = 0;
  private last: Promise<void> = Promise.resolve();
  private readonly catchingUp: { current?: Promise<void>; next?: Promise<void> } = {};

  constructor(
    private readonly sql: Sql,
    private readonly dims: number,
    private readonly space: string,
    private readonly mostKept = MOST_KEPT,
  ) {
    super();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Items that were removed take up room until then, at most. */
  tend(): Promise<void> {
    return this.exclusively(() => this.forgetRemoved());
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

  /** Thoroughly: the database is asked which items match, and only these are compared. */
  async addSearch(statement: Statement, search: SemanticSearch, thorough: boolean): Promise<boolean> {
    if (thorough) {
      await this.tend();
    }
    await this.catchUp();
    const count = wantedOf(search.operation) * SPARE + LEAST_SPARE;
    const ranking = await this.rank(search, count, thorough ? await this.matching(search) : undefined);
    this.addRanked(statement, search, ranking);
    return ranking.item_ids.length < count;
  }

  private async matching(search: SemanticSearch): Promise<Float64Array> {
    const asking = new Statement();
    const { rows } = await this.sql.query<{ item_id: string }>(
      `SELECT item_id FROM store_items WHERE ${matchesSql(asking, search)}`,
      asking.values,
      { isPrepared: false },
    );
    return Float64Array.from(rows, ({ item_id }) => Number(item_id));
  }

  /** Items that are still as they were compared, in the order of their scores. */
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
    const asking = new Statement();
    const [afterName, space] = [`${asking.parameter(after)}::bigint`, asking.parameter(this.space)];
    const text = pageBehind(matchesSql(asking, search), afterName, space);
    const { rows } = await this.sql.query<VectorRecord>(text, asking.values, { isPrepared: false });
    return { rows: rows.length, page: { ...toPage(rows, this.dims), last: rows.at(-1)?.vector_id ?? after } };
  }

  /** One at a time; who comes while one is under way waits for the next one, which sees what was committed before. */
  private catchUp(): Promise<void> {
    const { current } = this.catchingUp;
    if (!current) {
      this.catchingUp.current = this.exclusively(() => this.readChanges()).finally(() => {
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

  /** What is removed must not be older than what is added. */
  private exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async readChanges(): Promise<void> {
    if (!this.thread || this.thread.hasFailed) {
      this.beginAnew();
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

  /** Changes are planned for what is asked: a plan for any transaction would go through all vectors. */
  private async readPage(after: string, since: string | undefined, known: readonly string[]): Promise<FoundRow[]> {
    const { rows } =
      since === undefined
        ? await this.sql.query<FoundRow>(ALL, [this.space, after])
        : await this.sql.query<FoundRow>(CHANGES, [this.space, after, since, known], { isPrepared: false });
    return rows;
  }

  private async take(changes: readonly VectorRecord[]): Promise<void> {
    if (changes.length > 0 && this.size + changes.length > this.mostKept && this.keptUpTo === undefined) {
      await this.forgetRemoved();
    }
    const room = this.keptUpTo === undefined ? Math.max(this.mostKept - this.size, 0) : 0;
    const kept = changes.slice(0, room);
    if (kept.length > 0) {
      this.size = await this.thread!.add(toPage(kept, this.dims));
    }
    if (kept.length < changes.length && this.keptUpTo === undefined) {
      this.keptUpTo = String(BigInt(changes[kept.length].vector_id) - 1n);
      this.logger.warn(
        `The store has more than ${this.mostKept} vectors, which is what is kept in memory; each search reads the others. ` +
          'Install pgvector in the database (https://github.com/pgvector/pgvector) and start again.',
      );
    }
  }

  /** Items that were removed, or have expired, or have been put without an index. */
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

  private beginAnew(): void {
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

/** The best of several rankings; an item may be in more than one. */
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
