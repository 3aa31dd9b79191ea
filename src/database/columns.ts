/** The `select` of a TypeORM find: only these columns are loaded. */
export const columns = <K extends string>(fields: readonly K[]): Record<K, true> =>
  Object.fromEntries(fields.map((field) => [field, true])) as Record<K, true>;
