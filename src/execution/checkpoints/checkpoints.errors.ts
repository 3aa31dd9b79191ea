import { ApiError } from '../../common/index.js';

/** The checkpoints of a draft would take more memory, and more of the database, than one request may. */
export class DraftTooLargeError extends ApiError {
  constructor(maxBytes: number) {
    const megabytes = maxBytes / 1024 / 1024;
    super({
      status: 422,
      code: 'supersteps_too_large',
      detail: `The checkpoints of all supersteps together have more than ${megabytes} MiB. Send fewer supersteps.`,
    });
  }
}
