/**
 * Milliseconds that a statement waits for a lock of another transaction. Transactions of Nestgraph are short: only an
 * external one, or one that deletes very many rows, holds a lock for so long.
 */
export const LOCK_TIMEOUT_MS = 10_000;

/** The same for schema changes: processes that start at the same time wait for each other's migrations. */
export const SCHEMA_LOCK_TIMEOUT_MS = 300_000;

/** Milliseconds until PostgreSQL ends the idle transaction of a frozen or blocked process: it may hold locks. */
const IDLE_TRANSACTION_TIMEOUT_MS = 60_000;

/**
 * Settings of a new connection. Statements and not startup parameters, which PgBouncer rejects. With transaction pooling the
 * next transaction may run on a connection with other settings: hence {@link beginWith}.
 */
export const sessionSettings = (lock_timeout_ms: number): string =>
  `SET lock_timeout = ${lock_timeout_ms}; SET idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_TIMEOUT_MS}`;

/** Begins a transaction with this timeout, regardless of the settings of the connection. One round trip. */
export const beginWith = (lock_timeout_ms: number): string => `BEGIN; SET LOCAL lock_timeout = ${lock_timeout_ms}`;
