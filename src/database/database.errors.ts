import { ApiError, type ApiErrorFields, withoutSecrets } from '../common/index.js';

/** No connection could be made at start. */
export class DatabaseUnreachableError extends Error {
  constructor(uri: string, cause: unknown) {
    super(
      `The database at ${withoutSecrets(uri)} cannot be reached: ${reasonOf(cause)}. ` +
        'Check DATABASE_URI and that the server is running, or leave DATABASE_URI out to use the embedded database.',
      { cause },
    );
    this.name = 'DatabaseUnreachableError';
  }
}

/** The schema is older than this version of the program. */
export class SchemaOutdatedError extends Error {
  constructor() {
    super(
      'The database schema is not up to date. Run `nestgraph migrate` with the same DATABASE_URI, then start again.',
    );
    this.name = 'SchemaOutdatedError';
  }
}

/** Several addresses that all failed come as one error without a message. */
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
 * The database does not answer for the moment, or could not do this now; another try may succeed. The message says no more:
 * reasons name hosts, sockets and files.
 */
export class DatabaseUnavailableError extends ApiError {
  constructor(cause: unknown, fields: Partial<ApiErrorFields> = {}) {
    super({
      status: 503,
      code: 'database_unavailable',
      detail: 'The database is not available at the moment. Try again soon.',
      cause,
      ...fields,
    });
  }

  /** For the log, with the reason. */
  override toString(): string {
    return `${super.toString()} (${reasonOf(this.cause)})`;
  }
}

/** Another transaction has held a row that this statement needs for {@link LOCK_TIMEOUT_MS}. Nothing was changed. */
export class LockTimeoutError extends DatabaseUnavailableError {
  constructor(cause: unknown) {
    super(cause, {
      status: 503,
      code: 'lock_timeout',
      detail: 'Another transaction of the database holds what this request needs. Try again soon.',
      headers: { 'retry-after': '1' },
    });
  }
}

/** Another process has been changing the schema for too long. */
export class SchemaLockedError extends Error {
  constructor(cause: unknown) {
    super(
      'The database schema is locked: another process has been changing it, or using it, for five minutes. End that ' +
        'process (pg_stat_activity shows it), then start again.',
      { cause },
    );
    this.name = 'SchemaLockedError';
  }
}
