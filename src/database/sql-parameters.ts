/** Parameters of a statement that is put together, in the order of their places. */
export class SqlParameters {
  readonly values: unknown[] = [];

  /** Gives the place of the value: `$1`, `$2`, ... */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}
