/**
 * Makes `JSON.stringify` write a bigint as a string, as responses do, instead of throwing: LangGraph serializes interrupts
 * into an error message this way. A project that defines `BigInt.prototype.toJSON` keeps its own.
 */
export function allowBigIntInJson(): void {
  if (!('toJSON' in BigInt.prototype)) {
    const toJSON = function (this: bigint): string {
      return this.toString();
    };
    Object.defineProperty(BigInt.prototype, 'toJSON', { value: toJSON, configurable: true, writable: true });
  }
}
