/** The only reader of the environment. All other code injects `NestgraphConfig`. */
import * as z from 'zod/mini';
import { MAX_TIMER_SECS } from '../common/max-time.js';
import { origins } from './cors.js';
import { flagVariable, integerVariable, jsonVariable, numberVariable } from './env-variable.js';
import type { Findings } from './findings.js';
import { hostNames } from './hosts.js';
import { proxies } from './proxies.js';
import { inWords, readValue } from './read-value.js';
import { anything, integer, type JsonObject, mapOf, mismatch, oneOf, parsed, string } from './schema.js';

/** 0 selects any free port. */
export const PORT = integerVariable({ min: 0, max: 65535 });

const seconds = ({ min }: { min: number }) => numberVariable({ min, max: MAX_TIMER_SECS });
const MIN_SECONDS = 0.001;

const httpAddress = string({ expected: 'an address like https://api.smith.langchain.com', pattern: /^https?:\/\/./ });

/** Default configs by graph. `context` is the context; any other member is a part of the config. */
const graphDefaults = jsonVariable('a JSON object from graph id to config', (expected) =>
  mapOf<JsonObject>(
    z.looseObject({ context: z.optional(z.nullable(mapOf(anything()))) }, { error: mismatch('an object') }),
    { expected },
  ),
);

const callerWeights = jsonVariable('a JSON object from identity to a whole number from 1 to 1000', (expected) =>
  mapOf(integer({ min: 1, max: 1000 }), { expected }),
);

const logLevel = z.pipe(
  parsed('', (level) => level.toLowerCase()),
  oneOf('debug', 'info', 'warn', 'error'),
);

/** An empty string means not set. Variables without a value here have a default that `load-config.ts` derives. */
export const VARIABLES = z.object({
  /** Address to listen on. `0.0.0.0` lets other machines connect. */
  HOST: z._default(string(), '127.0.0.1'),

  /** Port to listen on. Without it: 2024, or the next free port. 0 takes any free port. */
  PORT: z.optional(PORT),

  /**
   * Host names, separated by commas (`api,*.example.com`), that `dev` without authentication accepts in the `Host`
   * header, besides loopback names, `HOST` and the host of `LANGGRAPH_API_URL`.
   */
  NESTGRAPH_ALLOWED_HOSTS: z._default(hostNames, []),

  /**
   * Origins of the web pages that may call, separated by commas; `http.cors` in langgraph.json wins. Without it: any
   * origin, but for `dev` without authentication only pages of this machine, LangGraph Studio and Agent Chat.
   */
  CORS_ALLOW_ORIGINS: z.optional(origins),

  /** Path below which all routes are served, such as `/api`; wins over `http.mount_prefix` in langgraph.json. */
  MOUNT_PREFIX: z.optional(string({ expected: 'a path that begins with "/"', pattern: /^\// })),

  /**
   * Address of the PostgreSQL database, `postgres://user:password@host/database`. Without it the service runs an
   * embedded one.
   */
  DATABASE_URI: z.optional(
    string({
      expected: 'an address like postgres://user:password@host:5432/database',
      pattern: /^postgres(ql)?:\/\/./,
    }),
  ),

  /**
   * Address of the Redis server. It counts the requests of all processes together for
   * `NESTGRAPH_RATE_LIMIT_PER_MINUTE`, and nothing else yet.
   */
  REDIS_URI: z.optional(string({ expected: 'an address like redis://host:6379', pattern: /^rediss?:\/\/./ })),

  /** Runs that this process executes at the same time. With 0 it only serves the API. */
  N_JOBS_PER_WORKER: z._default(integerVariable({ min: 0 }), 10),

  /** Seconds after which a run is stopped with status `timeout`. */
  BG_JOB_TIMEOUT_SECS: z._default(seconds({ min: MIN_SECONDS }), 3600),

  /** How many times a run is retried after its worker was lost. */
  BG_JOB_MAX_RETRIES: z._default(integerVariable({ min: 0 }), 3),

  /** Seconds that running graphs get at shutdown to reach their next superstep; then their runs are released. */
  BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: z._default(seconds({ min: 0 }), 30),

  /** Minimum level of log entries, in any case. */
  LOG_LEVEL: z._default(logLevel, 'info'),

  /**
   * Logs one JSON object per line instead of text for people. Without it: true for `start` and `worker`, false for
   * `dev`.
   */
  LOG_JSON: z.optional(flagVariable()),

  /** Key of LangSmith: with it runs return feedback links (`feedback_keys`) and can be traced. */
  LANGSMITH_API_KEY: z.optional(string()),

  /** The older name of `LANGSMITH_API_KEY`. */
  LANGCHAIN_API_KEY: z.optional(string()),

  /** Address of LangSmith. Without it: LangSmith's own cloud. */
  LANGSMITH_ENDPOINT: z.optional(httpAddress),

  /** The older name of `LANGSMITH_ENDPOINT`. */
  LANGCHAIN_ENDPOINT: z.optional(httpAddress),

  /** `true` traces every run. A string and not a flag: LangChain reads it too, and takes any other word for no. */
  LANGSMITH_TRACING: z.optional(string()),

  /** Another name of `LANGSMITH_TRACING`. */
  LANGSMITH_TRACING_V2: z.optional(string()),

  /** Another name of `LANGSMITH_TRACING`. */
  LANGCHAIN_TRACING_V2: z.optional(string()),

  /** Another name of `LANGSMITH_TRACING`. */
  LANGCHAIN_TRACING: z.optional(string()),

  /**
   * Defaults of the system assistants: a JSON object from graph id to the config of a run; its member `context` is the
   * context.
   */
  LANGGRAPH_CONFIG: z._default(graphDefaults, {}),

  /**
   * Milliseconds that a request waits until the schemas of a graph are derived from its source. After that it gets the
   * names of the channels, and a later request the schemas.
   */
  LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: z._default(integerVariable({ min: 1, max: MAX_TIMER_SECS * 1000 }), 10_000),

  /** Folder of the embedded database, relative to the folder of langgraph.json. */
  NESTGRAPH_DATA_DIR: z._default(string(), '.nestgraph'),

  /** Database connections that a process shares among its requests and runs. */
  NESTGRAPH_DATABASE_POOL_SIZE: z._default(integerVariable({ min: 1 }), 10),

  /** `false` behind a pooler that shares connections and does not know prepared statements (PgBouncer before 1.21). */
  NESTGRAPH_PREPARED_STATEMENTS: z._default(flagVariable(), true),

  /** Seconds for which a worker owns a run unless it renews its lease. */
  NESTGRAPH_LEASE_SECS: z._default(seconds({ min: MIN_SECONDS }), 30),

  /** Seconds between two renewals of a lease; less than `NESTGRAPH_LEASE_SECS`. */
  NESTGRAPH_HEARTBEAT_SECS: z._default(seconds({ min: MIN_SECONDS }), 10),

  /** Largest request body, in MiB. */
  NESTGRAPH_BODY_LIMIT_MB: z._default(integerVariable({ min: 1 }), 20),

  /** Maximum number of values in a request body: scalars, lists and objects. */
  NESTGRAPH_BODY_LIMIT_VALUES: z._default(integerVariable({ min: 1 }), 100_000),

  /**
   * Seconds in which a request must have arrived whole, body included; its headers within 30 seconds. How long its
   * response takes does not matter.
   */
  NESTGRAPH_REQUEST_TIMEOUT_SECS: z._default(seconds({ min: MIN_SECONDS }), 300),

  /**
   * Requests per minute and caller, without `/ok` and `/info`; 0 for no limit. Counted in Redis when there is one, else
   * by each process.
   */
  NESTGRAPH_RATE_LIMIT_PER_MINUTE: z._default(integerVariable({ min: 0 }), 0),

  /** Open streams and waits per caller and process; 0 for no limit. */
  NESTGRAPH_MAX_STREAMS_PER_CALLER: z._default(integerVariable({ min: 0 }), 0),

  /** Maximum number of queued runs per thread; 0 for no limit. */
  NESTGRAPH_MAX_QUEUED_RUNS: z._default(integerVariable({ min: 0 }), 1000),

  /**
   * With authentication: largest share of the slots of a process that the runs of one caller take; the rest is kept for
   * callers without a running run. 1: no reserve; 0: no turns either, first come, first served.
   */
  NESTGRAPH_CALLER_SLOT_SHARE: z._default(numberVariable({ min: 0, max: 1 }), 0.8),

  /**
   * Slots that callers get per turn, by identity: a JSON object such as `{"alice": 3}`. Callers it does not name get
   * one.
   */
  NESTGRAPH_CALLER_WEIGHTS: z._default(callerWeights, {}),

  /**
   * Addresses of the proxies whose `X-Forwarded-For` is believed, such as `loopback,10.0.0.0/8`. Without it no proxy
   * is.
   */
  NESTGRAPH_TRUST_PROXY: z.optional(proxies),

  /** Seconds for which the result of a finished stateless run can still be joined. */
  NESTGRAPH_STATELESS_RETENTION_SECS: z._default(seconds({ min: 0 }), 60),

  /** Seconds after the end of a resumable run during which its events can be read. */
  NESTGRAPH_STREAM_RETENTION_SECS: z._default(seconds({ min: 0 }), 3600),

  /** Most events that are kept of one thread, in MiB; older ones are evicted first. */
  NESTGRAPH_STREAM_LIMIT_MB: z._default(integerVariable({ min: 1 }), 64),

  /**
   * Lets webhooks call private, loopback and other addresses that the internet does not reach. Without it: `dev` allows
   * loopback, `start` and `worker` allow none.
   */
  NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: z.optional(flagVariable()),

  /** Key of the webhook signature, by which receivers detect forgeries. At least 16 characters. */
  NESTGRAPH_WEBHOOK_SECRET: z.optional(string()),

  /** Keys that callers may send in `x-api-key`: `alice:KEY,bob:KEY`. One name may have several. */
  NESTGRAPH_API_KEYS: z.optional(string()),

  /** Issuer of the tokens in the header `Authorization: Bearer`. */
  NESTGRAPH_JWT_ISSUER: z.optional(
    string({ expected: 'an address like https://login.example.com', pattern: /^https?:\/\/./ }),
  ),

  /** URL or file of the issuer's key set. Default: OIDC discovery. */
  NESTGRAPH_JWT_JWKS: z.optional(string()),

  /** Accepted audiences of tokens, separated by commas. */
  NESTGRAPH_JWT_AUDIENCE: z.optional(string()),

  /** Claim of a token that identifies the user. */
  NESTGRAPH_JWT_IDENTITY_CLAIM: z._default(string(), 'sub'),

  /** Claim of a token with the permissions of the user: a list, or a string with spaces. */
  NESTGRAPH_JWT_PERMISSIONS_CLAIM: z._default(string(), 'scope'),

  /**
   * Callers with keys and tokens see the rows that they own, and nothing else. `false`: every caller sees everything.
   */
  NESTGRAPH_AUTH_OWNER_ONLY: z._default(flagVariable(), true),
});

/** The values of the variables. A variable without a default is absent unless it is set. */
export type Environment = z.output<typeof VARIABLES>;

/** Parses the variables. Each invalid one is reported in `findings`; its value must not be used. */
export function readEnvironment(env: NodeJS.ProcessEnv, findings: Findings): Environment {
  const trimmed = Object.entries(env).map(([name, value]) => [name, value?.trim() ?? '']);
  const set = Object.fromEntries(trimmed.filter(([, value]) => value !== '')) as Record<string, string>;
  const { value, problems } = readValue(VARIABLES, set);
  for (const { path, message } of problems) {
    const [name, ...rest] = path;
    findings.within(String(name)).problem(inWords(rest), message);
  }
  const environment = value ?? withInvalid(set, new Set(problems.map(({ path: [name] }) => String(name))));
  checkHeartbeat(environment, findings);
  return environment;
}

/** An invalid variable counts as set, so that checks of several variables do not report it as missing. */
function withInvalid(set: Readonly<Record<string, string>>, names: ReadonlySet<string>): Environment {
  const [invalid, valid] = [true, false].map((isInvalid) =>
    Object.fromEntries(Object.entries(set).filter(([name]) => names.has(name) === isInvalid)),
  );
  return { ...VARIABLES.parse(valid), ...invalid };
}

/** A heartbeat that is not a number is invalid by itself. Here it compares as false. */
function checkHeartbeat(environment: Environment, findings: Findings): void {
  const { NESTGRAPH_HEARTBEAT_SECS: heartbeat, NESTGRAPH_LEASE_SECS: lease } = environment;
  if (heartbeat >= lease) {
    findings.problem(
      'NESTGRAPH_HEARTBEAT_SECS',
      `expected less than NESTGRAPH_LEASE_SECS (${lease}), got ${heartbeat}; ` +
        'a lease must be renewed before it expires',
    );
  }
}
