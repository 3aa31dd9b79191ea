export { EmbeddedPostgresError, EmbeddedPostgresUnavailableError } from './embedded-postgres.error.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './launcher.js';
