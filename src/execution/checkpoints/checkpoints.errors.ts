import { ApiError } from '../../common/index.js';

/** The checkpoints of a draft exceed the size limit of one request. */
export class DraftTooLargeError extends ApiError {
  constructor(maxBytes: number) {
    const megabytes = maxBytes / 1024 / 1024;
    super({
      status: 422,
      code: 'supersteps_too_large',
      detail: `The checkpoints of all supersteps exceed ${megabytes} MiB in total. Send fewer supersteps.`,
    });
  }
}
