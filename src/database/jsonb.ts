import type { ValueTransformer } from 'typeorm';
import { jsonbText } from '../common/index.js';

/** For `jsonb` columns: what PostgreSQL cannot hold (NUL, unpaired surrogates) becomes the replacement character. */
export const jsonb: ValueTransformer = {
  from: (value: unknown) => value,
  to: (value: unknown) => {
    const json = JSON.stringify(value);
    const text = json && jsonbText(json);
    return text === json ? value : (JSON.parse(text) as unknown);
  },
};
