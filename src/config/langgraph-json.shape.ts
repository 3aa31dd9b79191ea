/** The format of `langgraph.json` (contract 6.4) as a table: what may stand in the file, and what it means. */
import { isUuid } from '../common/ids.js';
import { LONGEST_SECONDS, LONGEST_TIMER_SECS } from '../common/longest-time.js';
import {
  anything,
  converted,
  described,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  number,
  object,
  oneOf,
  required,
  text,
  type Parsed,
} from './shape.js';

/** A `path:export` text taken apart. */
export interface Reference {
  readonly path: string;
  readonly export_name: string;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const DRIVE = /^[a-z]:[\\/]/i;

/**
 * Splits at the last colon; without one the default export is meant. The colon of a Windows drive does not count.
 * Undefined when the path is missing or the export is not a name.
 */
export function splitReference(reference: string): Reference | undefined {
  const colon = reference.lastIndexOf(':');
  const isWhole = colon === -1 || (colon === 1 && DRIVE.test(reference));
  const path = isWhole ? reference : reference.slice(0, colon);
  const export_name = isWhole ? 'default' : reference.slice(colon + 1);
  return path.trim() && IDENTIFIER.test(export_name) ? { path, export_name } : undefined;
}

/** `./agent.ts:graph`: a module, relative to langgraph.json, and one of its exports. */
const reference = converted(text(), splitReference, 'text of the form "path:export"');

/** Where embeddings come from: a function of the user's, or a model of a provider that LangChain has a package for. */
export type Embed = Reference | { readonly provider: string; readonly model: string };

const embed = converted(text(), readEmbed, 'text of the form "provider:model" or "path:export"');

function readEmbed(source: string): Embed | undefined {
  const isPath = /^[./\\]|\.[cm]?[jt]s(:|$)/.test(source) || DRIVE.test(source);
  const [, provider, model] = /^([\w-]+):(.+)$/s.exec(source) ?? [];
  return isPath ? splitReference(source) : provider && model ? { provider, model } : undefined;
}

const graph = either(
  reference,
  converted(
    object({ path: required(reference), description: text() }, '{path, description}'),
    ({ path, description }) => ({ ...path, description }),
  ),
);

/** A client that sends a UUID means an assistant: it could register one under the id of such a graph. */
const graphs = converted(
  mapOf(graph, { expected: 'an object with at least one graph', min: 1 }),
  (entries) => (Object.keys(entries).some(isUuid) ? undefined : entries),
  'an object with at least one graph, and no UUID as a graph id',
);

/** A regular expression that must match the whole text: one that matches a part would let `https://ours.com.evil.com` in. */
const wholeMatch = converted(text(), compileWholeMatch, 'a regular expression');

function compileWholeMatch(source: string): RegExp | undefined {
  try {
    // Compiled alone first: `a)(b` is only valid inside the brackets added below.
    return new RegExp(`^(?:${new RegExp(source).source})$`);
  } catch {
    return undefined;
  }
}

const urlPath = text({ expected: 'a path that begins with "/"', pattern: /^\// });
const minutes = number({ min: 0, max: LONGEST_SECONDS / 60 });
/** Between two looks of a timer. */
const interval = number({ min: 0, max: Math.floor(LONGEST_TIMER_SECS / 60) });

/** Header names, `*` as a wild card. What is excluded stays out even when it is included as well. */
const headerFilter = converted(
  object({
    includes: listOf(text()),
    excludes: listOf(text()),
    /** Other spellings of the same two. */
    include: listOf(text()),
    exclude: listOf(text()),
  }),
  ({ includes = [], include = [], excludes = [], exclude = [] }) => ({
    includes: [...includes, ...include],
    excludes: [...excludes, ...exclude],
  }),
);

const cors = object({
  allow_origins: listOf(text()),
  /** Wins over `allow_origins`. */
  allow_origin_regex: wholeMatch,
  allow_methods: listOf(text()),
  allow_headers: listOf(text()),
  allow_credentials: flag(),
  expose_headers: listOf(text()),
  /** Seconds that a browser may remember the answer to a preflight. */
  max_age: integer({ min: 0 }),
});

const http = object({
  /** Custom routes. */
  app: reference,
  mount_prefix: urlPath,
  cors,
  /** Request headers that graphs find in `config.configurable`. */
  configurable_headers: headerFilter,
  logging_headers: headerFilter,
  disable_assistants: flag(),
  disable_threads: flag(),
  disable_runs: flag(),
  disable_store: flag(),
  disable_mcp: flag(),
  disable_a2a: flag(),
  disable_meta: flag(),
  disable_ui: flag(),
  disable_webhooks: flag(),
  disable_event_streaming: flag(),
  enable_custom_route_auth: flag(),
  middleware_order: oneOf('auth_first', 'middleware_first'),
});

/** Alternatives, each a map from security scheme to scopes. */
const security = listOf(mapOf(listOf(text())));

const auth = object({
  path: required(reference),
  disable_studio_auth: flag(),
  openapi: object({ security, securitySchemes: mapOf(mapOf(anything())), paths: mapOf(mapOf(security)) }),
  cache: object({ cache_keys: listOf(text()), ttl_seconds: number({ min: 0 }), max_size: integer({ min: 0 }) }),
});

const store = object({
  path: reference,
  index: object({
    dims: required(integer({ min: 1 })),
    /** `provider:model`, or the `path:export` of a function or of LangChain's Embeddings. */
    embed: required(embed),
    /** Paths of the texts in a value that are compared; the whole value when there are none. */
    fields: listOf(text({ expected: 'a path like "title" or "chapters[*].text"', pattern: /\S/ })),
  }),
  ttl: object({ default_ttl: minutes, refresh_on_read: flag(), sweep_interval_minutes: interval }),
});

/** Python module paths; true allows all of them. */
const modules = either(flag(), listOf(listOf(text())));

const checkpointer = object({
  path: reference,
  ttl: object({
    /** `keep_latest` keeps the thread with its last state. */
    strategy: oneOf('delete', 'keep_latest'),
    default_ttl: minutes,
    sweep_interval_minutes: interval,
    /** Threads per sweep. */
    sweep_limit: integer({ min: 1 }),
  }),
  serde: object({ allowed_json_modules: modules, allowed_msgpack_modules: modules, pickle_fallback: flag() }),
});

/** `hooks.example.com`, or `*.example.com` for all names below `example.com` (contract 6.4). */
const domain = converted(text(), readDomain, 'a host name like "hooks.example.com" or "*.example.com"');

/** As a URL spells it: in lower case, other alphabets in their ASCII form. */
export function readDomain(source: string): string | undefined {
  const [wildcard, name] = source.startsWith('*.') ? ['*.', source.slice(2)] : ['', source];
  const url = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : undefined;
  const isName = url !== undefined && !/[*@]|:\d*$/.test(name) && url.href === `http://${url.hostname}/`;
  return isName ? wildcard + url.hostname.replace(/\.$/, '') : undefined;
}

const webhooks = object({
  /** Only variables whose names begin with this may be named in `headers`. */
  env_prefix: text({ expected: 'text that is not empty', pattern: /\S/ }),
  /** Values may contain `${{ env.NAME }}`. */
  headers: mapOf(text()),
  url: object({
    allowed_domains: listOf(domain),
    allowed_ports: listOf(integer({ min: 1, max: 65535 })),
    require_https: flag(),
    disable_loopback: flag(),
    max_url_length: integer({ min: 1 }),
  }),
});

const variables = converted(mapOf(either(text(), number(), flag())), (values): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
);

export const LANGGRAPH_JSON = object({
  graphs: required(graphs),
  /** A file of `NAME=value` lines, or the variables themselves. */
  env: described(
    either(text({ expected: 'a file path', pattern: /\S/ }), variables),
    'a file path such as ".env", or the variables as an object such as {"NAME": "value"}',
  ),
  auth,
  http,
  store,
  checkpointer,
  webhooks,
  encryption: object({ path: required(reference) }),
  ui: mapOf(text()),
  /** Packages that UI bundles share with the page around them. */
  ui_config: object({ shared: listOf(text()) }),
  /** Ours: Nest modules that join the application. */
  nest: object({ modules: listOf(reference) }),

  // What follows matters when an image is built or another runtime serves the graphs.
  node_version: either(text(), integer()),
  dependencies: listOf(text()),
  source: object({ kind: text(), root: text(), package: text() }),
  $schema: anything(),
  node_loader: anything(),
  python_version: anything(),
  /** How runs of the official server's queue are prioritised. */
  priority: anything(),
  base_image: anything(),
  image_distro: anything(),
  dockerfile_lines: anything(),
  pip_config_file: anything(),
  pip_installer: anything(),
  keep_pkg_tools: anything(),
  api_version: anything(),
});

/** A valid `langgraph.json`. Members that were not given, or given as null, are absent. */
export type LanggraphJson = Parsed<typeof LANGGRAPH_JSON>;

export type CorsSettings = Parsed<typeof cors>;

export type HeaderFilter = Parsed<typeof headerFilter>;
