/** The run has lost its lease, so everything that its graph still writes is discarded. */
export class LeaseLostError extends Error {
  constructor() {
    super('The run has lost its lease. Its further writes are discarded.');
    this.name = 'LeaseLostError';
  }
}
