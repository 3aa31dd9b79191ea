/** Token of the {@link Database} of this process. */
export const DATABASE = Symbol('DATABASE');
/** Token of the shared `pg.Pool`. */
export const POOL = Symbol('POOL');
