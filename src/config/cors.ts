import type { FromText } from './env-variable.js';
import type { CorsSettings } from './langgraph-json.shape.js';
import { listOf, text, type Shape } from './shape.js';

/** Who may call from a browser, and what browsers let them see. */
export interface CorsConfig {
  /** Exact origins; `*` stands for any. */
  readonly allow_origins: readonly string[];
  /** When present it alone decides, and `allow_origins` is not asked. It matches whole origins only. */
  readonly allow_origin_regex?: RegExp;
  readonly allow_methods: readonly string[];
  /** `*` stands for whatever a preflight asks for. */
  readonly allow_headers: readonly string[];
  readonly allow_credentials: boolean;
  readonly expose_headers: readonly string[];
  /** Seconds that a browser may remember the answer to a preflight. */
  readonly max_age: number;
}

/** SDKs in a browser find the run's id and the next page in these (contract 0.4 R6), whatever the file says. */
const ALWAYS_EXPOSED = ['Content-Location', 'Location', 'X-Pagination-Total', 'X-Pagination-Next', 'X-Request-Id'];

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Origins, separated by commas. */
export const origins: Shape<readonly string[]> = {
  ...listOf(text()),
  expected: 'origins, separated by commas, such as https://app.example.com, or *',
};

/** A string without any origin is left as it is, and refused. */
export const asOrigins: FromText = (source) => {
  const list = source.split(',').map((origin) => origin.trim()).filter(Boolean); // prettier-ignore
  return list.length > 0 ? list : source;
};

/** `http.cors` with defaults: the origins of `allow_origins`, any method and header, without credentials. */
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
