/**
 * Lets `JSON.stringify` write a bigint as a string, as answers show it, instead of throwing: LangGraph puts interrupts
 * into the message of an error that way. A project that defines `BigInt.prototype.toJSON` itself keeps its own.
 */
export function allowBigIntInJson(): void {
  if (!('toJSON' in BigInt.prototype)) {
    const toJSON = function (this: bigint): string {
      return this.toString();
    };
    Object.defineProperty(BigInt.prototype, 'toJSON', { value: toJSON, configurable: true, writable: true });
  }
}
