/** The only reader of the environment. All other code injects `NestgraphConfig`. */
import { plainToInstance } from 'class-transformer';
import { ValidateBy, validateSync, type ValidationArguments } from 'class-validator';
import { MAX_TIMER_SECS } from '../common/max-time.js';
import { asFlag, asJson, asNumber, Variable } from './env-variable.js';
import { asHostNames, hostNames } from './hosts.js';
import { asOrigins, origins } from './cors.js';
import { asProxies, proxies } from './proxies.js';
import {
  anything,
  flag,
  integer,
  mapOf,
  number,
  object,
  oneOf,
  string,
  type Findings,
  type JsonObject,
} from './shape.js';

/** 0 selects any free port. */
export const PORT = integer({ min: 0, max: 65535 });

const seconds = ({ min }: { min: number }) => number({ min, max: MAX_TIMER_SECS });
const MIN_SECONDS = 0.001;

const httpAddress = string({ expected: 'an address like https://api.smith.langchain.com', pattern: /^https?:\/\/./ });

/** For validation only: a config may have any other member. */
const graphDefaults = mapOf(object({ context: mapOf(anything()) }), {
  expected: 'a JSON object from graph id to config',
});

const callerWeights = mapOf(integer({ min: 1, max: 1000 }), {
  expected: 'a JSON object from identity to a whole number from 1 to 1000',
});

/** An empty string means not set. Variables without a value here have a default that `config.ts` derives. */
export class Environment {
  /** Address to listen on. `0.0.0.0` lets other machines connect. */
  @Variable(string())
  readonly HOST: string = '127.0.0.1';

  /** Port to listen on. Without it: 2024, or the next free port. 0 takes any free port. */
  @Variable(PORT, asNumber)
  readonly PORT?: number;

  /**
   * Host names, separated by commas (`api,*.example.com`), that `dev` without authentication accepts in the `Host`
   * header, besides loopback names, `HOST` and the host of `LANGGRAPH_API_URL`.
   */
  @Variable(hostNames, asHostNames)
  readonly NESTGRAPH_ALLOWED_HOSTS: readonly string[] = [];

  /**
   * Origins of the web pages that may call, separated by commas; `http.cors` in langgraph.json wins. Without it: any
   * origin, but for `dev` without authentication only pages of this machine, LangGraph Studio and Agent Chat.
   */
  @Variable(origins, asOrigins)
  readonly CORS_ALLOW_ORIGINS?: readonly string[];

  /** Path below which all routes are served, such as `/api`; wins over `http.mount_prefix` in langgraph.json. */
  @Variable(string({ expected: 'a path that begins with "/"', pattern: /^\// }))
  readonly MOUNT_PREFIX?: string;

  /**
   * Address of the PostgreSQL database, `postgres://user:password@host/database`. Without it the service runs an
   * embedded one.
   */
  @Variable(
    string({
      expected: 'an address like postgres://user:password@host:5432/database',
      pattern: /^postgres(ql)?:\/\/./,
    }),
  )
  readonly DATABASE_URI?: string;

  /**
   * Address of the Redis server. It counts the requests of all processes together for
   * `NESTGRAPH_RATE_LIMIT_PER_MINUTE`, and nothing else yet.
   */
  @Variable(string({ expected: 'an address like redis://host:6379', pattern: /^rediss?:\/\/./ }))
  readonly REDIS_URI?: string;

  /** Runs that this process executes at the same time. With 0 it only serves the API. */
  @Variable(integer({ min: 0 }), asNumber)
  readonly N_JOBS_PER_WORKER: number = 10;

  /** Seconds after which a run is stopped with status `timeout`. */
  @Variable(seconds({ min: MIN_SECONDS }), asNumber)
  readonly BG_JOB_TIMEOUT_SECS: number = 3600;

  /** How many times a run is retried after its worker was lost. */
  @Variable(integer({ min: 0 }), asNumber)
  readonly BG_JOB_MAX_RETRIES: number = 3;

  /** Seconds that running graphs get at shutdown to reach their next superstep; then their runs are released. */
  @Variable(seconds({ min: 0 }), asNumber)
  readonly BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: number = 30;

  /** Minimum level of log entries, in any case. */
  @Variable(oneOf('debug', 'info', 'warn', 'error'), (level) => level.toLowerCase())
  readonly LOG_LEVEL: 'debug' | 'info' | 'warn' | 'error' = 'info';

  /**
   * Logs one JSON object per line instead of text for people. Without it: true for `start` and `worker`, false for
   * `dev`.
   */
  @Variable(flag(), asFlag)
  readonly LOG_JSON?: boolean;

  /** Key of LangSmith: with it runs return feedback links (`feedback_keys`) and can be traced. */
  @Variable(string())
  readonly LANGSMITH_API_KEY?: string;

  /** The older name of `LANGSMITH_API_KEY`. */
  @Variable(string())
  readonly LANGCHAIN_API_KEY?: string;

  /** Address of LangSmith. Without it: LangSmith's own cloud. */
  @Variable(httpAddress)
  readonly LANGSMITH_ENDPOINT?: string;

  /** The older name of `LANGSMITH_ENDPOINT`. */
  @Variable(httpAddress)
  readonly LANGCHAIN_ENDPOINT?: string;

  /** `true` traces every run. A string and not a flag: LangChain reads it too, and takes any other word for no. */
  @Variable(string())
  readonly LANGSMITH_TRACING?: string;

  /** Another name of `LANGSMITH_TRACING`. */
  @Variable(string())
  readonly LANGSMITH_TRACING_V2?: string;

  /** Another name of `LANGSMITH_TRACING`. */
  @Variable(string())
  readonly LANGCHAIN_TRACING_V2?: string;

  /** Another name of `LANGSMITH_TRACING`. */
  @Variable(string())
  readonly LANGCHAIN_TRACING?: string;

  /**
   * Defaults of the system assistants: a JSON object from graph id to the config of a run; its member `context` is the
   * context.
   */
  @Variable(graphDefaults, asJson)
  readonly LANGGRAPH_CONFIG: Readonly<Record<string, JsonObject>> = {};

  /**
   * Milliseconds that a request waits until the schemas of a graph are derived from its source. After that it gets the
   * names of the channels, and a later request the schemas.
   */
  @Variable(integer({ min: 1, max: MAX_TIMER_SECS * 1000 }), asNumber)
  readonly LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: number = 10_000;

  /** Folder of the embedded database, relative to the folder of langgraph.json. */
  @Variable(string())
  readonly NESTGRAPH_DATA_DIR: string = '.nestgraph';

  /** Database connections that a process shares among its requests and runs. */
  @Variable(integer({ min: 1 }), asNumber)
  readonly NESTGRAPH_DATABASE_POOL_SIZE: number = 10;

  /** `false` behind a pooler that shares connections and does not know prepared statements (PgBouncer before 1.21). */
  @Variable(flag(), asFlag)
  readonly NESTGRAPH_PREPARED_STATEMENTS: boolean = true;

  /** Seconds for which a worker owns a run unless it renews its lease. */
  @Variable(seconds({ min: MIN_SECONDS }), asNumber)
  readonly NESTGRAPH_LEASE_SECS: number = 30;

  /** Seconds between two renewals of a lease; less than `NESTGRAPH_LEASE_SECS`. */
  @Variable(seconds({ min: MIN_SECONDS }), asNumber)
  @ShorterThanLease()
  readonly NESTGRAPH_HEARTBEAT_SECS: number = 10;

  /** Largest request body, in MiB. */
  @Variable(integer({ min: 1 }), asNumber)
  readonly NESTGRAPH_BODY_LIMIT_MB: number = 20;

  /** Maximum number of values in a request body: scalars, lists and objects. */
  @Variable(integer({ min: 1 }), asNumber)
  readonly NESTGRAPH_BODY_LIMIT_VALUES: number = 100_000;

  /**
   * Seconds in which a request must have arrived whole, body included; its headers within 30 seconds. How long its
   * response takes does not matter.
   */
  @Variable(seconds({ min: MIN_SECONDS }), asNumber)
  readonly NESTGRAPH_REQUEST_TIMEOUT_SECS: number = 300;

  /**
   * Requests per minute and caller, without `/ok` and `/info`; 0 for no limit. Counted in Redis when there is one, else
   * by each process.
   */
  @Variable(integer({ min: 0 }), asNumber)
  readonly NESTGRAPH_RATE_LIMIT_PER_MINUTE: number = 0;

  /** Open streams and waits per caller and process; 0 for no limit. */
  @Variable(integer({ min: 0 }), asNumber)
  readonly NESTGRAPH_MAX_STREAMS_PER_CALLER: number = 0;

  /** Maximum number of queued runs per thread; 0 for no limit. */
  @Variable(integer({ min: 0 }), asNumber)
  readonly NESTGRAPH_MAX_QUEUED_RUNS: number = 1000;

  /**
   * With authentication: largest share of the slots of a process that the runs of one caller take; the rest is kept for
   * callers without a running run. 1: no reserve; 0: no turns either, first come, first served.
   */
  @Variable(number({ min: 0, max: 1 }), asNumber)
  readonly NESTGRAPH_CALLER_SLOT_SHARE: number = 0.8;

  /**
   * Slots that callers get per turn, by identity: a JSON object such as `{"alice": 3}`. Callers it does not name get
   * one.
   */
  @Variable(callerWeights, asJson)
  readonly NESTGRAPH_CALLER_WEIGHTS: Readonly<Record<string, number>> = {};

  /**
   * Addresses of the proxies whose `X-Forwarded-For` is believed, such as `loopback,10.0.0.0/8`. Without it no proxy
   * is.
   */
  @Variable(proxies, asProxies)
  readonly NESTGRAPH_TRUST_PROXY?: readonly string[];

  /** Seconds for which the result of a finished stateless run can still be joined. */
  @Variable(seconds({ min: 0 }), asNumber)
  readonly NESTGRAPH_STATELESS_RETENTION_SECS: number = 60;

  /** Seconds after the end of a resumable run during which its events can be read. */
  @Variable(seconds({ min: 0 }), asNumber)
  readonly NESTGRAPH_STREAM_RETENTION_SECS: number = 3600;

  /** Most events that are kept of one thread, in MiB; older ones are evicted first. */
  @Variable(integer({ min: 1 }), asNumber)
  readonly NESTGRAPH_STREAM_LIMIT_MB: number = 64;

  /**
   * Lets webhooks call private, loopback and other addresses that the internet does not reach. Without it: `dev` allows
   * loopback, `start` and `worker` allow none.
   */
  @Variable(flag(), asFlag)
  readonly NESTGRAPH_WEBHOOK_ALLOW_PRIVATE?: boolean;

  /** Key of the webhook signature, by which receivers detect forgeries. At least 16 characters. */
  @Variable(string())
  readonly NESTGRAPH_WEBHOOK_SECRET?: string;

  /** Keys that callers may send in `x-api-key`: `alice:KEY,bob:KEY`. One name may have several. */
  @Variable(string())
  readonly NESTGRAPH_API_KEYS?: string;

  /** Issuer of the tokens in the header `Authorization: Bearer`. */
  @Variable(string({ expected: 'an address like https://login.example.com', pattern: /^https?:\/\/./ }))
  readonly NESTGRAPH_JWT_ISSUER?: string;

  /** URL or file of the issuer's key set. Default: OIDC discovery. */
  @Variable(string())
  readonly NESTGRAPH_JWT_JWKS?: string;

  /** Accepted audiences of tokens, separated by commas. */
  @Variable(string())
  readonly NESTGRAPH_JWT_AUDIENCE?: string;

  /** Claim of a token that identifies the user. */
  @Variable(string())
  readonly NESTGRAPH_JWT_IDENTITY_CLAIM: string = 'sub';

  /** Claim of a token with the permissions of the user: a list, or a string with spaces. */
  @Variable(string())
  readonly NESTGRAPH_JWT_PERMISSIONS_CLAIM: string = 'scope';

  /**
   * Callers with keys and tokens see the rows that they own, and nothing else. `false`: every caller sees everything.
   */
  @Variable(flag(), asFlag)
  readonly NESTGRAPH_AUTH_OWNER_ONLY: boolean = true;
}

function ShorterThanLease(): PropertyDecorator {
  const leaseOf = (args?: ValidationArguments) => (args?.object as Environment).NESTGRAPH_LEASE_SECS;
  return ValidateBy({
    name: 'shorterThanLease',
    validator: {
      // Another validator rejects a value that is not a number; here it cannot be compared.
      validate: (heartbeat: unknown, args) => !(Number(heartbeat) >= Number(leaseOf(args))),
      defaultMessage: (args) =>
        `expected less than NESTGRAPH_LEASE_SECS (${leaseOf(args)}), got ${args?.value}; ` +
        'a lease must be renewed before it expires',
    },
  });
}

/** Parses the variables. Each invalid one is reported in `findings`; its value must not be used. */
export function readEnvironment(env: NodeJS.ProcessEnv, findings: Findings): Environment {
  const given = Object.entries(env).map(([name, value]) => [name, value?.trim() || undefined]);
  const set = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Record<string, string>;
  const environment = plainToInstance(Environment, set, { excludeExtraneousValues: true, exposeDefaultValues: true });
  for (const { property, constraints = {} } of validateSync(environment)) {
    Object.values(constraints).forEach((sentence) => findings.problem(property, sentence));
  }
  return environment;
}

/**
 * Publishes the address of this server to its graphs, as LangGraph's own servers do. An address that the operator has set
 * is not replaced: it may be the public one in front of a proxy.
 */
export function publishAddress(url: string, port: number, env: NodeJS.ProcessEnv = process.env): void {
  env.LANGGRAPH_API_URL ||= url;
  env.PORT = String(port);
}

/** The address of this service; undefined in a worker without LANGGRAPH_API_URL. */
export const publishedAddress = (env: NodeJS.ProcessEnv = process.env): string | undefined => env.LANGGRAPH_API_URL;
