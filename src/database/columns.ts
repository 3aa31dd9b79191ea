/** The `select` of a TypeORM find that loads only these columns. */
export const columns = <K extends string>(fields: readonly K[]): Record<K, true> =>
  Object.fromEntries(fields.map((field) => [field, true])) as Record<K, true>;
