/** The embedded PostgreSQL cannot be used; the message says what happened and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name: string = 'EmbeddedPostgresError';
}

/** Nothing to run: no binaries for this platform, or they cannot be executed on this system. */
export class EmbeddedPostgresUnavailableError extends EmbeddedPostgresError {
  override readonly name = 'EmbeddedPostgresUnavailableError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`${reason} Set DATABASE_URI to a PostgreSQL server of your own instead.`, options);
  }
}
