/** Which headers, by patterns: `*` stands for any text, case does not matter. What is excluded stays out in any case. */
export interface HeaderPatterns {
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
}

type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers that identify or admit somebody: a pattern with `*` never means them, only their own name does. */
const PERSONAL = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-user-id', 'x-organization-id']);

/** The headers that the patterns let through, under lower-case names. */
export function pickHeaders(headers: RequestHeaders, { includes, excludes }: HeaderPatterns): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers)) {
    const name = header.toLowerCase();
    const wanted = PERSONAL.has(name)
      ? includes.some((pattern) => pattern.toLowerCase() === name)
      : includes.some((pattern) => matches(pattern, name));
    if (value !== undefined && wanted && !excludes.some((pattern) => matches(pattern, name))) {
      picked[name] = typeof value === 'string' ? value : value.join(', ');
    }
  }
  return picked;
}

function matches(pattern: string, name: string): boolean {
  const source = pattern.toLowerCase().split('*').map(escapeRegExp).join('.*');
  return new RegExp(`^${source}$`).test(name);
}

const escapeRegExp = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
