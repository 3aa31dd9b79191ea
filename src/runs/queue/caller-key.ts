import { createHash } from 'node:crypto';

/** The key of all runs without a known caller: they share one turn. */
export const UNKNOWN_CALLER = '00000000-0000-0000-0000-000000000000';

/** Hashes an identity to a key of fixed size, so that users cannot choose their place in the order of keys. */
export const callerKeyOf = (identity: string | undefined): string =>
  identity === undefined
    ? UNKNOWN_CALLER
    : createHash('sha256')
        .update(identity)
        .digest('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
