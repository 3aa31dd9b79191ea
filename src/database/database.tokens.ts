/** Injection token of the {@link Database} of this process. */
export const DATABASE = Symbol('DATABASE');
