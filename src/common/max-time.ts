/** A hundred years. A longer time is a mistake, and overflows in PostgreSQL. */
export const MAX_SECONDS = 100 * 365 * 24 * 3600;

/** Node's timers fire immediately if their delay exceeds this. */
export const MAX_TIMER_SECS = 2_147_483;
