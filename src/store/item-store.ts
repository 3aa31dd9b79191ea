import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Sql } from '../database/index.js';
import { isEmpty, type ItemFilter, parseFilter } from './filter.js';
import { decodeNamespace, encodeNamespace } from './namespace.js';
import {
  isGet,
  isPut,
  isSearch,
  type Operation,
  type OperationResult,
  type PutOperation,
  type StoredItem,
} from './operations.js';
import { addNamespaces, addSearch } from './search-sql.js';
import { SemanticIndex } from './semantic-index.js';
import { type Hit, type PutRow, Statement } from './statement.js';
import { assertOperation } from './validate.js';
import { isShort, type SemanticSearch, type VectorRow } from './vectors/vector-index.js';

/** An operation; a search with its parsed filter. */
interface Read {
  operation: Operation;
  filter?: ItemFilter;
}

/** The items in the database. All operations of graphs and clients are executed here. */
@Injectable()
export class ItemStore {
  private readonly settings: NestgraphConfig['store'];

  constructor(
    private readonly sql: Sql,
    private readonly semantic: SemanticIndex,
    @Inject(CONFIG) { store }: NestgraphConfig,
  ) {
    this.settings = store;
  }

  /**
   * Executes a batch in one round trip. Reads see the items as they were before the batch; of several writes of one
   * item, the last one wins. Throws ValidationFailedError or EmbeddingFailedError before anything is written.
   */
  async execute(operations: readonly Operation[]): Promise<OperationResult[]> {
    operations.forEach(assertOperation);
    const reads = operations.map((operation) =>
      isSearch(operation)
        ? { operation, filter: { ...parseFilter(operation.filter ?? {}), visible: operation.visible } }
        : { operation },
    );
    const writes = lastOfEach(operations.filter(isPut));
    const searches = await this.semanticOf(reads);
    const vectors = await this.embed(writes);
    const hits = await this.run(reads, searches, writes, vectors);
    return operations.map((operation, op) =>
      resultOf(
        operation,
        hits.filter((hit) => hit.op === op),
      ),
    );
  }

  /** The semantic searches of a batch. A query is ignored when the store has no index. */
  private async semanticOf(reads: readonly Read[]): Promise<SemanticSearch[]> {
    const queries = reads.flatMap(({ operation, filter }, op) =>
      this.semantic.vectors && isSearch(operation) && operation.query && filter
        ? [{ op, operation, filter, query: operation.query }]
        : [],
    );
    const vectors = queries.length > 0 ? await this.semantic.embedQueries(queries.map(({ query }) => query)) : [];
    return queries.map(({ op, operation, filter }, index) => {
      const refresh = operation.refreshTtl ?? this.settings.ttl.refresh_on_read;
      return { op, operation, filter, refresh, vector: vectors[index] };
    });
  }

  private async embed(writes: readonly PutOperation[]): Promise<VectorRow[]> {
    const puts = writes.filter(({ value }) => value !== null);
    return this.semantic.vectors && puts.length > 0 ? this.semantic.embedItems(puts) : [];
  }

  /** A semantic search may need to be repeated, so its batch writes only after all its searches have their results. */
  private async run(
    reads: readonly Read[],
    searches: readonly SemanticSearch[],
    writes: readonly PutOperation[],
    vectors: readonly VectorRow[],
  ): Promise<Hit[]> {
    const writesSeparately = searches.length > 0 && writes.length > 0;
    const statement = new Statement();
    this.addReads(statement, reads, searches);
    const unsure: SemanticSearch[] = [];
    for (const search of searches) {
      if (!(await this.semantic.vectors!.addSearch(statement, search, false))) {
        unsure.push(search);
      }
    }
    if (!writesSeparately) {
      this.addWrites(statement, writes, vectors);
    }
    const standard =
      (reads.length === 1 && !('visible' in reads[0].operation && reads[0].operation.visible)) ||
      reads.every(({ operation }) => isGet(operation) || isPut(operation));
    const isPrepared = standard && reads.every(({ filter }) => !filter || isEmpty(filter)) && searches.length === 0;
    const hits = await this.send(statement, writes, isPrepared);
    const completed = await this.complete(hits, unsure);
    if (writesSeparately) {
      const writing = new Statement();
      this.addWrites(writing, writes, vectors);
      await this.send(writing, writes, true);
    }
    return completed;
  }

  private async send(statement: Statement, writes: readonly PutOperation[], isPrepared: boolean): Promise<Hit[]> {
    if (statement.isEmpty) {
      return [];
    }
    const text = statement.text(writes);
    return (await this.sql.query<Hit>(text, statement.values, { isPrepared })).rows;
  }

  /** Repeats the searches that may have missed items, thoroughly. */
  private async complete(hits: Hit[], unsure: readonly SemanticSearch[]): Promise<Hit[]> {
    const short = unsure.filter((search) =>
      isShort(
        search,
        hits.filter(({ op }) => op === search.op),
      ),
    );
    const statement = new Statement();
    for (const search of short) {
      await this.semantic.vectors!.addSearch(statement, search, true);
    }
    const found = await this.send(statement, [], false);
    return [...hits.filter(({ op }) => !short.some((search) => search.op === op)), ...found];
  }

  private addReads(statement: Statement, reads: readonly Read[], searches: readonly SemanticSearch[]): void {
    const { refresh_on_read } = this.settings.ttl;
    const gets = [];
    for (const [op, { operation, filter }] of reads.entries()) {
      if (isGet(operation)) {
        const { namespace, key, refreshTtl: refresh = refresh_on_read } = operation;
        gets.push({ op, namespace: encodeNamespace(namespace), key, refresh });
      } else if (isSearch(operation)) {
        if (!searches.some((search) => search.op === op)) {
          addSearch(statement, op, operation, filter!, operation.refreshTtl ?? refresh_on_read);
        }
      } else if (!isPut(operation)) {
        addNamespaces(statement, op, operation);
      }
    }
    if (gets.length > 0) {
      statement.get(gets);
    }
  }

  private addWrites(statement: Statement, writes: readonly PutOperation[], vectors: readonly VectorRow[]): void {
    const puts = writes.filter(({ value }) => value !== null);
    const deleted = writes.filter(({ value }) => value === null);
    if (puts.length > 0) {
      statement.put(puts.map((operation) => this.toRow(operation)));
      if (this.semantic.vectors) {
        statement.removeVectors();
      }
      if (vectors.length > 0) {
        this.semantic.vectors!.addVectors(statement, vectors);
      }
    }
    if (deleted.length > 0) {
      statement.delete(deleted.map(({ namespace, key }) => ({ namespace: encodeNamespace(namespace), key })));
    }
  }

  private toRow({ namespace, key, value, ttl }: PutOperation): PutRow {
    const { default_minutes = null } = this.settings.ttl;
    return { namespace: encodeNamespace(namespace), key, value, ttl: ttl === undefined ? default_minutes : ttl };
  }
}

/** Keeps the last write of each item, because one statement cannot write a row twice. */
const lastOfEach = (writes: readonly PutOperation[]): PutOperation[] => [
  ...new Map(writes.map((write) => [`${encodeNamespace(write.namespace)}${write.key}`, write])).values(),
];

function resultOf(operation: Operation, hits: readonly Hit[]): OperationResult {
  if (isPut(operation)) {
    return undefined;
  }
  if (isGet(operation)) {
    return hits.length === 0 ? null : toItem(hits[0]);
  }
  return isSearch(operation) ? hits.map(toItem) : hits.map(({ namespace }) => decodeNamespace(namespace));
}

const toItem = ({ namespace, key, value, created_at, updated_at, score }: Hit): StoredItem => ({
  namespace: decodeNamespace(namespace),
  key,
  value,
  createdAt: created_at,
  updatedAt: updated_at,
  ...(score !== null && { score }),
});
