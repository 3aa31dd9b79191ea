/** A hundred years: a time that is longer is a mistake, and PostgreSQL could not reckon with it. */
export const LONGEST_SECONDS = 100 * 365 * 24 * 3600;
