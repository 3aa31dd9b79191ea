import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Sql } from '../database/index.js';
import { type ItemFilter, parseFilter } from './filter.js';
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
import { type Hit, type PutRow, Statement } from './statement.js';
import { assertOperation } from './validate.js';

/** Items in the database: what graphs and clients do with them ends here. */
@Injectable()
export class ItemStore {
  private readonly settings: NestgraphConfig['store'];

  constructor(
    private readonly sql: Sql,
    @Inject(CONFIG) { store }: NestgraphConfig,
  ) {
    this.settings = store;
  }

  /**
   * Carries out a batch in one round trip. Reads see what was there before it; of several writes of one item the last one
   * counts. Throws ValidationFailedError, and has done nothing then.
   */
  async execute(operations: readonly Operation[]): Promise<OperationResult[]> {
    if (operations.length === 0) {
      return [];
    }
    operations.forEach(assertOperation);
    const filters = operations.map((operation) =>
      isSearch(operation) ? parseFilter(operation.filter ?? {}) : undefined,
    );
    const statement = this.compile(operations, filters);
    const isStandard = operations.every((operation) => isGet(operation) || isPut(operation)) || operations.length === 1;
    const isPrepared = isStandard && filters.every((filter) => !filter?.contains && !filter?.conditions.length);
    const writes = operations.filter(isPut);
    const { rows } = await this.sql.query<Hit>(statement.text(writes), statement.values, { isPrepared });
    return operations.map((operation, op) =>
      resultOf(
        operation,
        rows.filter((row) => row.op === op),
      ),
    );
  }

  private compile(operations: readonly Operation[], filters: readonly (ItemFilter | undefined)[]): Statement {
    const statement = new Statement();
    const { refresh_on_read } = this.settings.ttl;
    const gets = [];
    for (const [op, operation] of operations.entries()) {
      if (isGet(operation)) {
        const { namespace, key, refreshTtl: refresh = refresh_on_read } = operation;
        gets.push({ op, namespace: encodeNamespace(namespace), key, refresh });
      } else if (isSearch(operation)) {
        addSearch(statement, op, operation, filters[op]!, operation.refreshTtl ?? refresh_on_read);
      } else if (!isPut(operation)) {
        addNamespaces(statement, op, operation);
      }
    }
    if (gets.length > 0) {
      statement.get(gets);
    }
    this.addWrites(statement, lastOfEach(operations.filter(isPut)));
    return statement;
  }

  private addWrites(statement: Statement, writes: readonly PutOperation[]): void {
    const puts = writes.filter(({ value }) => value !== null);
    const deleted = writes.filter(({ value }) => value === null);
    if (puts.length > 0) {
      statement.put(puts.map((operation) => this.toRow(operation)));
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

/** One statement cannot write a row twice. */
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
