/** A hundred years: a time that is longer is a mistake, and PostgreSQL could not reckon with it. */
export const LONGEST_SECONDS = 100 * 365 * 24 * 3600;

/** Node's timers fire at once when they are asked to wait longer than this. */
export const LONGEST_TIMER_SECS = 2_147_483;
