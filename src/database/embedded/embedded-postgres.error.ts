/** The embedded PostgreSQL cannot be used. The message says what happened and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name: string = 'EmbeddedPostgresError';
}

/** There are no binaries for this platform, or the system cannot execute them. */
export class EmbeddedPostgresUnavailableError extends EmbeddedPostgresError {
  override readonly name = 'EmbeddedPostgresUnavailableError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`${reason} Set DATABASE_URI to a PostgreSQL server of your own instead.`, options);
  }
}
