import { toJsonb } from '../../common/index.js';

/** The parameter for a nullable `jsonb` column. */
export const jsonbOrNull = (value: object | undefined): string | null => (value ? toJsonb(value) : null);
