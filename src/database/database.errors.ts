import { ApiError, type ApiErrorFields, StartupError, withoutSecrets } from '../common/index.js';

/** The process could not connect to the database at start. */
export class DatabaseUnreachableError extends StartupError {
  constructor(uri: string, cause: unknown) {
    super(
      `The database at ${withoutSecrets(uri)} cannot be reached: ${reasonOf(cause)}. ` +
        'Check DATABASE_URI and that the server is running, or leave DATABASE_URI out to use the embedded database.',
      { cause },
    );
  }
}

/** The schema is older than this version of Nestgraph. */
export class SchemaOutdatedError extends StartupError {
  constructor() {
    super(
      'The database schema is not up to date. Run `nestgraph migrate` with the same DATABASE_URI, then start again.',
    );
  }
}

/** Node reports several failed addresses as one AggregateError without a message. */
function reasonOf(cause: unknown): string {
  if (cause instanceof DatabaseUnavailableError) {
    return reasonOf(cause.cause);
  }
  if (cause instanceof AggregateError) {
    return cause.errors.map(String).join('; ');
  }
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/**
 * A transient database error: a retry may succeed. The message omits the reason, which may contain hosts, sockets and
 * files.
 */
export class DatabaseUnavailableError extends ApiError {
  constructor(cause: unknown, fields: Partial<ApiErrorFields> = {}) {
    super({
      status: 503,
      code: 'database_unavailable',
      detail: 'The database is unavailable. Try again soon.',
      cause,
      ...fields,
    });
  }

  /** With the reason, for the log. */
  override toString(): string {
    return `${super.toString()} (${reasonOf(this.cause)})`;
  }
}

/** The statement waited longer than {@link LOCK_TIMEOUT_MS} for a lock of another transaction. Nothing was changed. */
export class LockTimeoutError extends DatabaseUnavailableError {
  constructor(cause: unknown) {
    super(cause, {
      status: 503,
      code: 'lock_timeout',
      detail: 'Another database transaction holds a lock that this request needs. Try again soon.',
      headers: { 'retry-after': '1' },
    });
  }
}

/** The migration timed out: another process holds a lock on the schema. */
export class SchemaLockedError extends StartupError {
  constructor(cause: unknown) {
    super(
      'The database schema is locked: another process has been changing or using it for five minutes. End that ' +
        'process (see pg_stat_activity), then start again.',
      { cause },
    );
  }
}
