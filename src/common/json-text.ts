/** Escapes that JSON allows and `jsonb` refuses: NUL and unpaired surrogates. An even run of backslashes stays. */
const REFUSED_BY_JSONB = /(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})/g;

/** Makes a JSON string fit for a `jsonb` column: what PostgreSQL cannot hold becomes the replacement character. */
export const jsonbText = (json: string): string =>
  json.includes('\\u') ? json.replace(REFUSED_BY_JSONB, '$1\\ufffd') : json;
