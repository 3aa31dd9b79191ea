/** The format of `langgraph.json` (contract 6.4) as a table of its keys. */
import * as z from 'zod/mini';
import { isUuid } from '../common/ids.js';
import { MAX_SECONDS, MAX_TIMER_SECS } from '../common/max-time.js';
import { anything, either, flag, integer, listOf, mapOf, number, object, oneOf, parsed, string } from './schema.js';

/** The parts of a `path:export` string. */
export interface Reference {
  readonly path: string;
  readonly export_name: string;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const DRIVE = /^[a-z]:[\\/]/i;

/**
 * Splits at the last colon. Without one, the reference means the default export. The colon of a Windows drive is ignored.
 * Returns undefined if the path is missing or the export is not an identifier.
 */
export function splitReference(reference: string): Reference | undefined {
  const colon = reference.lastIndexOf(':');
  const isWhole = colon === -1 || (colon === 1 && DRIVE.test(reference));
  const path = isWhole ? reference : reference.slice(0, colon);
  const export_name = isWhole ? 'default' : reference.slice(colon + 1);
  return path.trim() && IDENTIFIER.test(export_name) ? { path, export_name } : undefined;
}

/** `./agent.ts:graph`: a module, relative to langgraph.json, and one of its exports. */
const reference = parsed('a string of the form "path:export"', splitReference);

/** The source of embeddings: a function of the user, or the model of a provider that LangChain has a package for. */
export type Embed = Reference | { readonly provider: string; readonly model: string };

const embed = parsed('a string of the form "provider:model" or "path:export"', readEmbed);

function readEmbed(source: string): Embed | undefined {
  const isPath = /^[./\\]|\.[cm]?[jt]s(:|$)/.test(source) || DRIVE.test(source);
  const [, provider, model] = /^([\w-]+):(.+)$/s.exec(source) ?? [];
  return isPath ? splitReference(source) : provider && model ? { provider, model } : undefined;
}

const graph = either(
  'a string of the form "path:export" or {path, description}',
  reference,
  z.pipe(
    object({ description: string() }, { path: reference }),
    z.transform(({ path, description }): GraphReference => ({ ...path, description })),
  ),
);

interface GraphReference extends Reference {
  readonly description?: string;
}

/** No UUID as a graph id: a UUID means an assistant, and a client could register one under that id. */
const NO_UUID = 'an object with at least one graph, and no UUID as a graph id';

const graphs = mapOf<GraphReference>(graph, {
  expected: NO_UUID,
  checks: [
    { fits: (ids) => Object.keys(ids).length > 0, expected: 'an object with at least one graph' },
    { fits: (ids) => !Object.keys(ids).some(isUuid), expected: NO_UUID },
  ],
});

/** A regular expression anchored at both ends: a partial match would admit `https://ours.com.evil.com`. */
const wholeMatch = parsed('a regular expression', compileWholeMatch);

function compileWholeMatch(source: string): RegExp | undefined {
  try {
    // Compiled alone first: `a)(b` is only valid inside the brackets added below.
    return new RegExp(`^(?:${new RegExp(source).source})$`);
  } catch {
    return undefined;
  }
}

const urlPath = string({ expected: 'a path that begins with "/"', pattern: /^\// });
const minutes = number({ min: 0, max: MAX_SECONDS / 60 });
/** Between two sweeps. */
const interval = number({ min: 0, max: Math.floor(MAX_TIMER_SECS / 60) });

/** Header names; `*` is a wildcard. `excludes` takes precedence over `includes`. */
const headerFilter = z.pipe(
  object({
    includes: listOf(string()),
    excludes: listOf(string()),
    /** Aliases of the two above. */
    include: listOf(string()),
    exclude: listOf(string()),
  }),
  z.transform(({ includes = [], include = [], excludes = [], exclude = [] }) => ({
    includes: [...includes, ...include],
    excludes: [...excludes, ...exclude],
  })),
);

const cors = object({
  allow_origins: listOf(string()),
  /** Takes precedence over `allow_origins`. */
  allow_origin_regex: wholeMatch,
  allow_methods: listOf(string()),
  allow_headers: listOf(string()),
  allow_credentials: flag(),
  expose_headers: listOf(string()),
  /** Seconds for which a browser may cache a preflight response. */
  max_age: integer({ min: 0 }),
});

const http = object({
  /** Custom routes. */
  app: reference,
  mount_prefix: urlPath,
  cors,
  /** Request headers that graphs receive in `config.configurable`. */
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
const security = listOf(mapOf(listOf(string())));

const auth = object(
  {
    disable_studio_auth: flag(),
    openapi: object({ security, securitySchemes: mapOf(mapOf(anything())), paths: mapOf(mapOf(security)) }),
    cache: object({ cache_keys: listOf(string()), ttl_seconds: number({ min: 0 }), max_size: integer({ min: 0 }) }),
  },
  { path: reference },
);

const store = object({
  path: reference,
  index: object(
    {
      /** Paths of the strings in a value that are embedded. Default: the whole value. */
      fields: listOf(string({ expected: 'a path like "title" or "chapters[*].text"', pattern: /\S/ })),
    },
    {
      dims: integer({ min: 1 }),
      /** `provider:model`, or the `path:export` of a function or of LangChain's Embeddings. */
      embed,
    },
  ),
  ttl: object({ default_ttl: minutes, refresh_on_read: flag(), sweep_interval_minutes: interval }),
});

/** Python module paths; true allows all of them. */
const modules = either('true or false or a list', flag(), listOf(listOf(string())));

const checkpointer = object({
  path: reference,
  ttl: object({
    /** `keep_latest` keeps the thread and its latest state. */
    strategy: oneOf('delete', 'keep_latest'),
    default_ttl: minutes,
    sweep_interval_minutes: interval,
    /** Threads per sweep. */
    sweep_limit: integer({ min: 1 }),
  }),
  serde: object({ allowed_json_modules: modules, allowed_msgpack_modules: modules, pickle_fallback: flag() }),
});

/** `hooks.example.com`, or `*.example.com` for all subdomains (contract 6.4). */
const domain = parsed('a host name like "hooks.example.com" or "*.example.com"', readDomain);

/** The spelling of a URL: lower case, and Punycode for other alphabets. */
export function readDomain(source: string): string | undefined {
  const [wildcard, name] = source.startsWith('*.') ? ['*.', source.slice(2)] : ['', source];
  const url = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : undefined;
  const isName = url !== undefined && !/[*@]|:\d*$/.test(name) && url.href === `http://${url.hostname}/`;
  return isName ? wildcard + url.hostname.replace(/\.$/, '') : undefined;
}

const webhooks = object({
  /** `headers` may reference only variables with this prefix. */
  env_prefix: string({ expected: 'a non-empty string', pattern: /\S/ }),
  /** Values may contain `${{ env.NAME }}`. */
  headers: mapOf(string()),
  url: object({
    allowed_domains: listOf(domain),
    allowed_ports: listOf(integer({ min: 1, max: 65535 })),
    require_https: flag(),
    disable_loopback: flag(),
    max_url_length: integer({ min: 1 }),
  }),
});

const scalar = either('a string or a number or true or false', string(), number(), flag());

const variables = z.pipe(
  mapOf<string | number | boolean>(scalar),
  z.transform((values): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
  ),
);

export const LANGGRAPH_JSON = object(
  {
    /** A file of `NAME=value` lines, or the variables themselves. */
    env: either(
      'a file path such as ".env", or the variables as an object such as {"NAME": "value"}',
      string({ expected: 'a file path', pattern: /\S/ }),
      variables,
    ),
    auth,
    http,
    store,
    checkpointer,
    webhooks,
    encryption: object({}, { path: reference }),
    ui: mapOf(string()),
    /** Packages that UI bundles share with the surrounding page. */
    ui_config: object({ shared: listOf(string()) }),
    /** Nestgraph only: Nest modules that are added to the application. */
    nest: object({ modules: listOf(reference) }),

    // The keys below matter only when an image is built or another runtime serves the graphs.
    node_version: either('a string or a whole number', string(), integer()),
    dependencies: listOf(string()),
    source: object({ kind: string(), root: string(), package: string() }),
    $schema: anything(),
    node_loader: anything(),
    python_version: anything(),
    /** Priorities of runs in the queue of the official server. */
    priority: anything(),
    base_image: anything(),
    image_distro: anything(),
    dockerfile_lines: anything(),
    pip_config_file: anything(),
    pip_installer: anything(),
    keep_pkg_tools: anything(),
    api_version: anything(),
  },
  { graphs },
);

/** A valid `langgraph.json`. Missing and null members are absent. */
export type LanggraphJson = z.output<typeof LANGGRAPH_JSON>;

export type CorsSettings = z.output<typeof cors>;

export type HeaderFilter = z.output<typeof headerFilter>;
