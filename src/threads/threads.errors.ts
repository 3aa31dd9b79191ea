import { ApiError } from '../common/index.js';

/** The thread does not exist, or the caller may not see it. */
export class ThreadNotFoundError extends ApiError {
  constructor(thread_id: string) {
    super({ status: 404, code: 'thread_not_found', detail: `Thread with ID ${thread_id} not found` });
  }
}

/** A thread with this id exists, and the client sent `if_exists: raise`. */
export class ThreadExistsError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_exists',
      detail: `Thread ${thread_id} already exists. Send if_exists "do_nothing" to get the existing one.`,
    });
  }
}

/** The thread has an active run, so it accepts neither a state update nor a run with the strategy `reject`. */
export class ThreadBusyError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_busy',
      detail: `Thread ${thread_id} has an active run. Wait for it or cancel it, then retry.`,
    });
  }
}

/** The thread changed during every attempt to update its state. Nothing was written. */
export class ThreadChangedError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 409,
      code: 'thread_changed',
      detail: `Thread ${thread_id} changed while its new state was computed. Read its state, then retry.`,
    });
  }
}

/** The thread has no runs yet, and its metadata has no graph_id. */
export class ThreadWithoutGraphError extends ApiError {
  constructor(thread_id: string) {
    super({
      status: 400,
      code: 'thread_without_graph',
      detail: `Thread ${thread_id} has no graph ID. Run an assistant on it, or create it with a graph_id.`,
    });
  }
}
