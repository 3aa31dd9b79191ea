import { ApiError } from '../common/index.js';

/** There is no such thread, or the caller may not see it. */
export class ThreadNotFoundError extends ApiError {
  constructor(thread_id: string) {
    super({ status: 404, code: 'thread_not_found', detail: `Thread with ID ${thread_id} not found` });
  }
}

/** The id is taken and the caller asked to be told. */
export class ThreadExistsError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_exists',
      detail: `Thread ${thread_id} already exists. Send if_exists "do_nothing" to get the existing one.`,
    });
  }
}

/** The thread has a pending or running run, so its state cannot be changed by hand or by a rejecting run. */
export class ThreadBusyError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_busy',
      detail: `Thread ${thread_id} has an active run. Wait for it or cancel it, then try again.`,
    });
  }
}

/** Each time that the new state was computed, the thread changed before it could be written. Nothing was written. */
export class ThreadChangedError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_changed',
      detail: `Thread ${thread_id} changed while its new state was computed. Read its state, then try again.`,
    });
  }
}

/** The thread has never been run and does not say which graph it is for. */
export class ThreadWithoutGraphError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 400,
      code: 'thread_without_graph',
      detail: `Thread ${thread_id} has no graph ID. Run an assistant on it, or create it with a graph_id.`,
    });
  }
}
