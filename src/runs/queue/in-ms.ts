/** SQL for the timestamp that is so many milliseconds from now. */
export const inMs = (parameter: string): string =>
  `clock_timestamp() + ${parameter}::bigint * interval '1 millisecond'`;
