/** Selects headers by case-insensitive patterns; `*` matches any string. `excludes` takes precedence over `includes`. */
export interface HeaderPatterns {
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
}

type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers with identities or credentials: a pattern with `*` never matches them, only their exact name does. */
const SENSITIVE = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-user-id', 'x-organization-id']);

/** The headers that match the patterns, by lower-case name. */
export function pickHeaders(headers: RequestHeaders, { includes, excludes }: HeaderPatterns): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers)) {
    const name = header.toLowerCase();
    const isIncluded = SENSITIVE.has(name)
      ? includes.some((pattern) => pattern.toLowerCase() === name)
      : includes.some((pattern) => matches(pattern, name));
    if (value !== undefined && isIncluded && !excludes.some((pattern) => matches(pattern, name))) {
      picked[name] = typeof value === 'string' ? value : value.join(', ');
    }
  }
  return picked;
}

function matches(pattern: string, name: string): boolean {
  const source = pattern.toLowerCase().split('*').map(escapeRegExp).join('.*');
  return new RegExp(`^${source}$`).test(name);
}

const escapeRegExp = (literal: string): string => literal.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
