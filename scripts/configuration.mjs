// Prints docs/configuration.md, made from src/config (the environment, langgraph.json) and the help of the command line.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { USAGE } from '../dist/src/cli/args.js';
import { readEnvironment } from '../dist/src/config/env.js';
import { Findings } from '../dist/src/config/findings.js';
import { LANGGRAPH_JSON } from '../dist/src/config/langgraph-json.schema.js';
import { readInto } from '../dist/src/config/read-value.js';

const COMMANDS = {
  dev: 'serves on this machine, migrates the database, reloads sources',
  start: 'serves in production; the schema must be current',
  worker: 'executes runs without serving the API',
  migrate: 'brings the schema up to date',
  openapi: 'prints the OpenAPI document',
};

const OPTIONS = {
  '--config FILE': 'the `langgraph.json` to use; default: the one in this folder',
  '--host HOST': 'address to listen on; default `127.0.0.1`',
  '--port PORT': 'port; default 2024, or the next free one when no port was requested',
  '--no-reload': '`dev`: do not watch the sources',
  '--skip-failed-graphs': '`start`, `worker`: serve the other graphs when one cannot be loaded, as `dev` does',
  '--help': 'shows the commands and options',
  '--version': 'shows the version',
};

const GROUPS = {
  'Address and web pages': [
    'HOST',
    'PORT',
    'MOUNT_PREFIX',
    'CORS_ALLOW_ORIGINS',
    'NESTGRAPH_ALLOWED_HOSTS',
    'NESTGRAPH_TRUST_PROXY',
  ],
  Database: [
    'DATABASE_URI',
    'NESTGRAPH_DATA_DIR',
    'NESTGRAPH_DATABASE_POOL_SIZE',
    'NESTGRAPH_PREPARED_STATEMENTS',
    'REDIS_URI',
  ],
  'Runs and workers': [
    'N_JOBS_PER_WORKER',
    'BG_JOB_TIMEOUT_SECS',
    'BG_JOB_MAX_RETRIES',
    'BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS',
    'NESTGRAPH_LEASE_SECS',
    'NESTGRAPH_HEARTBEAT_SECS',
    'NESTGRAPH_STATELESS_RETENTION_SECS',
    'NESTGRAPH_MAX_QUEUED_RUNS',
    'NESTGRAPH_CALLER_SLOT_SHARE',
    'NESTGRAPH_CALLER_WEIGHTS',
  ],
  Streams: ['NESTGRAPH_STREAM_RETENTION_SECS', 'NESTGRAPH_STREAM_LIMIT_MB', 'NESTGRAPH_MAX_STREAMS_PER_CALLER'],
  Requests: [
    'NESTGRAPH_BODY_LIMIT_MB',
    'NESTGRAPH_BODY_LIMIT_VALUES',
    'NESTGRAPH_REQUEST_TIMEOUT_SECS',
    'NESTGRAPH_RATE_LIMIT_PER_MINUTE',
  ],
  Authentication: [
    'NESTGRAPH_API_KEYS',
    'NESTGRAPH_JWT_ISSUER',
    'NESTGRAPH_JWT_AUDIENCE',
    'NESTGRAPH_JWT_JWKS',
    'NESTGRAPH_JWT_IDENTITY_CLAIM',
    'NESTGRAPH_JWT_PERMISSIONS_CLAIM',
    'NESTGRAPH_AUTH_OWNER_ONLY',
  ],
  Webhooks: ['NESTGRAPH_WEBHOOK_ALLOW_PRIVATE', 'NESTGRAPH_WEBHOOK_SECRET'],
  Graphs: ['LANGGRAPH_CONFIG', 'LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS'],
  'Logs and traces': [
    'LOG_LEVEL',
    'LOG_JSON',
    'LANGSMITH_API_KEY',
    'LANGSMITH_ENDPOINT',
    'LANGSMITH_TRACING',
    'LANGCHAIN_API_KEY',
    'LANGCHAIN_ENDPOINT',
    'LANGSMITH_TRACING_V2',
    'LANGCHAIN_TRACING_V2',
    'LANGCHAIN_TRACING',
  ],
};

/** Members of langgraph.json by path. What is true for all members of an object is said at the object. */
const KEYS = {
  graphs:
    'required; id → `"path:export"`, or `{"path": …, "description": …}`; the description becomes that of the assistant; no id may be a UUID',
  env: 'variables for the server and the graphs; the environment of the process wins',
  'auth.path': 'the `Auth` object of the SDK with the rules; [auth](auth.md#custom-rules)',
  'auth.disable_studio_auth':
    '`true`: LangGraph Studio needs credentials, in `dev` too; `false`: it needs none, in `start` too',
  'auth.openapi.security': 'what the OpenAPI document requires of callers',
  'auth.openapi.securitySchemes': 'how callers authenticate, for Swagger UI',
  'auth.openapi.paths': 'exceptions from `security`, by path',
  'auth.cache.cache_keys': 'headers that identify a cached caller; default `authorization`, `x-api-key`, `cookie`',
  'auth.cache.ttl_seconds': 'how long a caller is cached',
  'auth.cache.max_size': 'how many callers are cached',
  'http.app': 'custom routes and middleware; [graphs](graphs.md#custom-routes)',
  'http.mount_prefix': 'path below which all routes are served; `MOUNT_PREFIX` wins',
  'http.cors.allow_origins': 'origins of web pages that may call; `["*"]` for any',
  'http.cors.allow_origin_regex': 'pattern for whole origins; wins over `allow_origins`',
  'http.cors.allow_methods': 'methods that pages may use',
  'http.cors.allow_headers': 'headers that pages may send',
  'http.cors.allow_credentials': 'whether pages may send cookies',
  'http.cors.expose_headers': 'headers that pages may read, besides those that the SDKs need',
  'http.cors.max_age': 'seconds that a browser may cache the response to a preflight',
  'http.configurable_headers.includes':
    'request headers that graphs find in `config.configurable`; `*` is a wildcard, but credentials and user ids need their full name',
  'http.configurable_headers.excludes': 'headers that stay out; wins over `includes`',
  'http.configurable_headers.include': 'other spelling of `includes`',
  'http.configurable_headers.exclude': 'other spelling of `excludes`',
  'http.logging_headers.includes':
    'request headers that are logged, each request in one line; credentials show as `***`',
  'http.logging_headers.excludes': 'headers that stay out; wins over `includes`',
  'http.logging_headers.include': 'other spelling of `includes`',
  'http.logging_headers.exclude': 'other spelling of `excludes`',
  'http.disable_assistants': 'leaves out the routes of assistants',
  'http.disable_threads': 'leaves out the routes of threads',
  'http.disable_runs': 'leaves out the routes of runs and crons; runs are executed all the same',
  'http.disable_store': 'leaves out the routes of the store',
  'http.disable_meta': 'leaves out `/ok`, `/info`, `/metrics`, `/docs`, `/openapi.json`',
  'http.disable_webhooks': 'refuses webhooks',
  'http.disable_mcp': 'accepted, changes nothing: this version has no such routes',
  'http.disable_a2a': 'accepted, changes nothing: this version has no such routes',
  'http.disable_ui': 'accepted, changes nothing: this version has no such routes',
  'http.disable_event_streaming': 'accepted with a warning: this version has no such routes',
  'http.enable_custom_route_auth': 'authenticates the routes of `http.app`, too',
  'http.middleware_order': '`auth_first` authenticates before the middleware of `http.app`',
  'store.path': 'accepted with a warning: not used yet',
  'store.index.dims': 'required for an index: numbers per vector',
  'store.index.embed': 'required for an index: a model of a LangChain package of your project, or your own function',
  'store.index.fields': 'paths of the strings that are embedded; default `["$"]`, the whole value',
  'store.ttl.default_ttl': 'minutes that items live that are put without a TTL',
  'store.ttl.refresh_on_read': 'whether reads restart the TTL; default `true`',
  'store.ttl.sweep_interval_minutes': 'minutes between two deletions of expired items; default 5',
  'checkpointer.path': 'accepted with a warning: not used yet',
  'checkpointer.ttl.strategy': '`delete` deletes the thread, `keep_latest` keeps its last state',
  'checkpointer.ttl.default_ttl':
    'minutes after the last activity until a thread expires that was created without a TTL',
  'checkpointer.ttl.sweep_interval_minutes': 'minutes between two deletions of expired threads; default 5',
  'checkpointer.ttl.sweep_limit': 'threads per transaction of that deletion; default 500',
  'checkpointer.serde.allowed_json_modules': 'accepted with a warning: not used',
  'checkpointer.serde.allowed_msgpack_modules': 'accepted with a warning: not used',
  'checkpointer.serde.pickle_fallback': 'accepted with a warning: not used',
  'webhooks.env_prefix': 'prefix of the variables that `headers` may name; default `LG_WEBHOOK_`',
  'webhooks.headers': 'headers of every webhook; values may contain `${{ env.NAME }}`',
  'webhooks.url.allowed_domains': 'only these hosts; `*.example.com` stands for all names below `example.com`',
  'webhooks.url.allowed_ports': 'only these ports',
  'webhooks.url.require_https': 'only `https://`',
  'webhooks.url.disable_loopback': 'no paths of this server, no addresses of this machine',
  'webhooks.url.max_url_length': 'only shorter addresses',
  'encryption.path': 'stops the start: encryption is not supported yet, and data would be stored as plain text',
  ui: 'accepted with a warning: not used yet',
  'ui_config.shared': 'accepted with a warning: not used yet',
  'nest.modules': 'Nest modules that join the server; [extending](extending.md)',
  priority: 'accepted with a warning: not used',
};

/** For building images or for other runtimes: accepted, and without effect here. */
const WITHOUT_EFFECT = [
  '$schema', 'node_version', 'python_version', 'node_loader', 'dependencies', 'source.kind', 'source.root', 'source.package',
  'base_image', 'image_distro', 'dockerfile_lines', 'pip_config_file', 'pip_installer', 'keep_pkg_tools', 'api_version',
]; // prettier-ignore

const ROOT = path.resolve(import.meta.dirname, '..');
const parse = (file) =>
  ts.createSourceFile(file, readFileSync(path.join(ROOT, file), 'utf8'), ts.ScriptTarget.ES2022, true);

/** Fails when a list of this script and the sources have drifted apart. */
function assertSame(what, listed, existing) {
  const missing = existing.filter((name) => !listed.includes(name));
  const extra = listed.filter((name) => !existing.includes(name));
  if (missing.length > 0 || extra.length > 0 || new Set(listed).size < listed.length) {
    throw new Error(`scripts/configuration.mjs, ${what}: missing ${missing.join(', ')}; unknown ${extra.join(', ')}`);
  }
}

/** The sentence that the start would show, without what was given. */
const expectation = (findings) => /expected (.*?), got /.exec(findings.problems[0] ?? '')?.[1];

/** Quoted words and sample values as code. */
const cell = (text) =>
  text
    .replaceAll('|', '\\|')
    .replace(/\{"[^}]*\}|"([^"]*)"/g, (whole, word) => `\`${word ?? whole}\``)
    .replace(/(like|such as) ([^\s`]+)/g, (_, like, sample) => `${like} \`${sample}\``);

/** Name, sentence and default of each variable, by the schema that reads the environment. */
function variables() {
  const source = parse('src/config/env.ts');
  const declared = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find(({ name }) => name.getText() === 'VARIABLES');
  return declared.initializer.arguments[0].properties.map((member) => {
    const name = member.name.getText();
    const [documentation] = ts.getJSDocCommentsAndTags(member);
    const meaning = ts.getTextOfJSDocComment(documentation?.comment)?.replace(/\s+/g, ' ');
    if (!meaning) {
      throw new Error(`src/config/env.ts: ${name} has no sentence`);
    }
    const findings = new Findings();
    const { [name]: standard } = readEnvironment({}, new Findings());
    readEnvironment({ [name]: '\u0001' }, findings);
    return { name, meaning, standard, expected: expectation(findings) ?? 'any string' };
  });
}

function inWords(standard) {
  const isEmpty = standard === undefined || (typeof standard === 'object' && Object.keys(standard).length === 0);
  return isEmpty ? '' : `\`${String(standard)}\``;
}

/** Paths of all members of langgraph.json, below those that are objects. */
const memberPaths = (members = membersOf(LANGGRAPH_JSON), prefix = '') =>
  Object.entries(members).flatMap(([name, schema]) => {
    const below = membersOf(schema);
    return below ? memberPaths(below, `${prefix}${name}.`) : [prefix + name];
  });

/** The members of an object, also when it is optional or converted. */
function membersOf({ _zod: { def } }) {
  switch (def.type) {
    case 'object':
      return def.shape;
    case 'optional':
      return membersOf(def.innerType);
    case 'pipe':
      return membersOf(def.in) ?? membersOf(def.out);
    default:
      return undefined;
  }
}

/** What a member must be, as a start with a wrong value says it. */
function expectedAt(at) {
  const keys = at.split('.');
  const impossible = Symbol('no value');
  const nested = keys.reduceRight((value, key) => ({ [key]: value }), impossible);
  const findings = new Findings();
  readInto(LANGGRAPH_JSON, { graphs: { a: './a.ts' }, ...nested }, findings);
  const sentence = findings.problems.find((problem) => problem.startsWith(`${at}: `));
  return /expected (.*), got /.exec(sentence ?? '')?.[1] ?? 'any value';
}

const listed = variables();
const paths = memberPaths();
const commandsOfHelp = [...USAGE.split('Options:')[0].matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name);
const optionsOfHelp = [...USAGE.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
assertSame('variables', Object.values(GROUPS).flat(), listed.map(({ name }) => name)); // prettier-ignore
assertSame('langgraph.json', [...Object.keys(KEYS), ...WITHOUT_EFFECT], paths);
assertSame('commands', Object.keys(COMMANDS), commandsOfHelp);
assertSame('options', Object.keys(OPTIONS).map((option) => option.split(' ')[0]), optionsOfHelp); // prettier-ignore

const table = (head, rows) =>
  [
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

console.log(`# Configuration

\`npm run configuration\` writes this page from \`src/config\`; a test fails when it is out of date.

The command line wins over the environment, and the environment over the \`env\` of \`langgraph.json\`. A wrong value stops the start and
names its place, what was expected and what was found. All mistakes are reported together.

## Command line

${table(
  ['command', 'does'],
  Object.entries(COMMANDS).map(([name, does]) => [`\`nestgraph ${name}\``, does]),
)}

${table(
  ['option', 'means'],
  Object.entries(OPTIONS).map(([name, means]) => [`\`${name}\``, means]),
)}

## Environment

An empty variable counts as not set. Booleans are \`true\` and \`false\`.`);

for (const [title, names] of Object.entries(GROUPS)) {
  const rows = names
    .map((name) => listed.find((variable) => variable.name === name))
    .map(({ name, standard, expected, meaning }) => [
      `\`${name}\``,
      inWords(standard),
      cell(expected),
      meaning.replaceAll('|', '\\|'),
    ]);
  console.log(`\n### ${title}\n\n${table(['variable', 'default', 'value', 'means'], rows)}`);
}

console.log(`
### Read by others

| variable | default | means |
| --- | --- | --- |
| \`LANGGRAPH_API_URL\` | own address | how graphs, traces and workers reach the API; set it for a \`worker\` whose graphs call the API, and behind a proxy |
| \`LANGSMITH_PROJECT\` | \`default\` | the LangSmith project of the traces |
| \`LANGCHAIN_CALLBACKS_BACKGROUND\` | \`false\` | set by the server unless it is set: in the background, tokens would be lost under load ([decision 4](decisions/0004-runs.md)) |
| \`NODE_ENV\` | \`development\` in \`dev\` | set by \`dev\` unless it is set |

### Refused

A protection that was requested is never left out silently. These variables of LangGraph's own server stop the start:

| variable | when | instead |
| --- | --- | --- |
| \`LANGGRAPH_AES_KEY\`, \`LANGGRAPH_AES_JSON_KEYS\`, \`LANGGRAPH_AES_LEGACY_KEY\`, \`LANGGRAPH_AES_FALLBACK_KEYS\`, \`LANGGRAPH_ENCRYPTION\` | always | encrypt the disk of the database |
| \`LANGGRAPH_AUTH\`, \`LANGGRAPH_AUTH_TYPE\` | when every caller would be let in | \`auth\` in \`langgraph.json\`, \`NESTGRAPH_API_KEYS\` or \`NESTGRAPH_JWT_ISSUER\` |
| \`LANGGRAPH_HTTP\`, \`LANGGRAPH_WEBHOOKS\` | when \`langgraph.json\` has no such block | \`http\` or \`webhooks\` in \`langgraph.json\` |

\`POSTGRES_URI\` and \`POSTGRES_URI_CUSTOM\` without \`DATABASE_URI\` give a warning: the embedded database is used.

## langgraph.json

The official format. Unknown keys give a warning and are ignored. Paths of files are relative to the file itself. \`null\` counts as absent.

${table(
  ['member', 'value', 'means'],
  Object.entries(KEYS).map(([at, means]) => [`\`${at}\``, cell(expectedAt(at)), means]),
)}

Accepted and without effect, because they matter when an image is built or for another runtime: ${WITHOUT_EFFECT.map((at) => `\`${at}\``).join(', ')}.`);
