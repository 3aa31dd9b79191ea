/** The parameter list of a VALUES clause: `rows` rows of these types, starting with parameter `$at`. */
export function parameterRows(rows: number, types: readonly string[], at: number): string {
  const row = (r: number): string => types.map((type, c) => `$${at + r * types.length + c}::${type}`).join(', ');
  return Array.from({ length: rows }, (_, r) => `(${row(r)})`).join(', ');
}
