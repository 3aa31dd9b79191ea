import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { type AuthFilter, filterSql } from './auth-filter.js';

/** Adds what a caller may see to a query; `column` is the metadata. */
export function filterQuery<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  filter: AuthFilter | undefined,
  column: string,
): SelectQueryBuilder<T> {
  if (filter) {
    let count = 0;
    const add = (value: string): string => {
      const name = `visible${count++}`;
      query.setParameter(name, value);
      return `:${name}`;
    };
    query.andWhere(filterSql(filter, column, add));
  }
  return query;
}
