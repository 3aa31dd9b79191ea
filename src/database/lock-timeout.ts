/**
 * Milliseconds that a statement waits for a lock that another transaction holds. Ours are short: only one from outside, or
 * one that deletes very much, holds a row for so long.
 */
export const LOCK_TIMEOUT_MS = 10_000;

/** Milliseconds for changes of the schema, which processes that start at the same time make one after the other. */
export const SCHEMA_LOCK_TIMEOUT_MS = 300_000;

/** Milliseconds until PostgreSQL ends a transaction whose process is frozen or blocked: it may hold locks. */
const IDLE_TRANSACTION_MS = 60_000;

/**
 * For a new connection. Statements and not startup parameters, which PgBouncer refuses. When it pools transactions, the
 * next transaction may run on a connection with other settings: hence {@link beginWith}.
 */
export const sessionSettings = (lock_timeout_ms: number): string =>
  `SET lock_timeout = ${lock_timeout_ms}; SET idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_MS}`;

/** Begins a transaction with this timeout, whatever the connection has been used for. One round trip. */
export const beginWith = (lock_timeout_ms: number): string => `BEGIN; SET LOCAL lock_timeout = ${lock_timeout_ms}`;
