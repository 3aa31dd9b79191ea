import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { type AuthFilter, filterSql } from './auth-filter.js';

/** Restricts a query to the rows that the caller may see; `column` is the metadata column. */
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
