/** Milliseconds from now as a moment. */
export const inMs = (parameter: string): string =>
  `clock_timestamp() + ${parameter}::bigint * interval '1 millisecond'`;
