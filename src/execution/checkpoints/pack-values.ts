/** A serialized value; null when there is nothing to store. */
export type DumpedValue = readonly [type: string, bytes: Uint8Array | null];

/**
 * Packs values into parameters of one statement: all bytes in one buffer, with the position of each value. A parameter per
 * value would be limited to 65,535 values, and an array of bytea would be sent in hexadecimal digits.
 */
export function packValues(
  values: readonly DumpedValue[],
): [bytes: Buffer, types: string[], starts: (number | null)[], lengths: (number | null)[]] {
  let end = 0;
  const starts = values.map(([, bytes]) => {
    const start = end + 1;
    end += bytes?.byteLength ?? 0;
    return bytes && start;
  });
  return [
    Buffer.concat(values.flatMap(([, bytes]) => bytes ?? [])),
    values.map(([type]) => type),
    starts,
    values.map(([, bytes]) => bytes && bytes.byteLength),
  ];
}
