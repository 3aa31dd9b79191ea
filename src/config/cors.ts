import type { CorsSettings } from './langgraph-json.schema.js';
import { parsed } from './schema.js';

/** Which origins may call from a browser, and which response headers they can read. */
export interface CorsConfig {
  /** Exact origins; `*` stands for any. */
  readonly allow_origins: readonly string[];
  /** If present, it replaces `allow_origins`. It matches complete origins only. */
  readonly allow_origin_regex?: RegExp;
  readonly allow_methods: readonly string[];
  /** `*` allows any header that a preflight requests. */
  readonly allow_headers: readonly string[];
  readonly allow_credentials: boolean;
  readonly expose_headers: readonly string[];
  /** Seconds for which a browser may cache a preflight response. */
  readonly max_age: number;
}

/** Always exposed: SDKs in a browser read the run id and the next page from these headers (contract 0.4 R6). */
const ALWAYS_EXPOSED = ['Content-Location', 'Location', 'X-Pagination-Total', 'X-Pagination-Next', 'X-Request-Id'];

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Origins, separated by commas. */
export const origins = parsed('origins, separated by commas, such as https://app.example.com, or *', (source) => {
  const list = source.split(',').map((origin) => origin.trim()).filter(Boolean); // prettier-ignore
  return list.length > 0 ? list : undefined;
});

/** `http.cors` with defaults: the given origins, any method and header, no credentials. */
export function corsConfig(
  { expose_headers = [], ...settings }: CorsSettings = {},
  allow_origins: readonly string[] = ['*'],
): CorsConfig {
  const always = new Set(ALWAYS_EXPOSED.map((header) => header.toLowerCase()));
  const others = expose_headers.filter((header) => !always.has(header.toLowerCase()));
  return {
    allow_origins,
    allow_methods: ALL_METHODS,
    allow_headers: ['*'],
    allow_credentials: false,
    max_age: 600,
    ...settings,
    expose_headers: [...ALWAYS_EXPOSED, ...others],
  };
}
