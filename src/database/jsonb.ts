import type { ValueTransformer } from 'typeorm';
import { jsonbText } from '../common/index.js';

/** For `jsonb` columns: replaces what PostgreSQL cannot store (NUL, unpaired surrogates) by U+FFFD. */
export const jsonb: ValueTransformer = {
  from: (value: unknown) => value,
  to: (value: unknown) => {
    const json = JSON.stringify(value);
    const storable = json && jsonbText(json);
    return storable === json ? value : (JSON.parse(storable) as unknown);
  },
};
