/** A value as a serializer leaves it; null when there is nothing to store. */
export type DumpedValue = readonly [type: string, bytes: Uint8Array | null];

/**
 * Values as parameters of one statement, which cuts them out again: all bytes in one piece, and where each value lies in
 * it. A parameter for each value would end at 65,535, and an array of bytea is sent in hexadecimal digits.
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
