/** Escapes that JSON allows and `jsonb` rejects: NUL and unpaired surrogates. Escaped backslashes are not matched. */
const REFUSED_BY_JSONB = /(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})/g;

/** Makes a JSON string valid for a `jsonb` column: replaces what PostgreSQL cannot store by U+FFFD. */
export const jsonbText = (json: string): string =>
  json.includes('\\u') ? json.replace(REFUSED_BY_JSONB, '$1\\ufffd') : json;
