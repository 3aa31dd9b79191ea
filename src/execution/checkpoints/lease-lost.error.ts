/** The run no longer owns its thread, so what its graph still produces is thrown away. */
export class LeaseLostError extends Error {
  constructor() {
    super('The run has lost its lease; nothing more is written for it.');
    this.name = 'LeaseLostError';
  }
}
