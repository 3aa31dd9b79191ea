/** Settings that this version does not support yet. Each one is reported: none is ignored silently. */
import type { LanggraphJson } from './langgraph-json.schema.js';
import type { Findings } from './findings.js';
import { isObject } from './schema.js';

const UNUSED_KEYS = [
  'store.path',
  'checkpointer.path',
  'checkpointer.serde',
  'ui',
  'ui_config',
  'priority',
  'http.disable_event_streaming',
];

const valueAt = (settings: LanggraphJson, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), settings);

const isOff = (value: unknown): boolean =>
  value === undefined || value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);

export function warnAboutUnused(settings: LanggraphJson, findings: Findings): void {
  UNUSED_KEYS.filter((path) => !isOff(valueAt(settings, path))).forEach((path) =>
    findings.warn(`${path} is not supported by this version yet; it is ignored`),
  );
}

const unencrypted = (setting: string): string =>
  'encryption is not supported by this version yet; data would be stored as plain text. ' +
  `Encrypt the disk of the database, then remove ${setting}`;

/** Stops the start if a requested protection is not supported: serving without it would be worse. */
export function refuseUnprotected({ encryption }: LanggraphJson, findings: Findings): void {
  if (encryption) {
    findings.problem('encryption.path', unencrypted('"encryption"'));
  }
}

/** Variables that configure encryption in LangGraph's own server. */
const ENCRYPTION = [
  'LANGGRAPH_AES_KEY',
  'LANGGRAPH_AES_JSON_KEYS',
  'LANGGRAPH_AES_LEGACY_KEY',
  'LANGGRAPH_AES_FALLBACK_KEYS',
  'LANGGRAPH_ENCRYPTION',
];

/** Security-relevant blocks of langgraph.json that LangGraph's images pass to their server as JSON. */
const BLOCKS = { LANGGRAPH_HTTP: 'http', LANGGRAPH_WEBHOOKS: 'webhooks' } as const;

/** Security-relevant variables of LangGraph's own server. `isOpen`: no authentication is configured. */
export function refuseUnprotectedEnvironment(
  env: NodeJS.ProcessEnv,
  { langgraph, isOpen }: { langgraph: LanggraphJson; isOpen: boolean },
  findings: Findings,
): void {
  ENCRYPTION.filter((name) => isSet(env[name])).forEach((name) => findings.problem(name, unencrypted(name)));
  for (const [name, block] of Object.entries(BLOCKS)) {
    if (isSet(env[name]) && langgraph[block] === undefined) {
      findings.problem(name, `is not read by this server. Write it into langgraph.json as "${block}", then remove it`);
    }
  }
  const { LANGGRAPH_AUTH, LANGGRAPH_AUTH_TYPE = '' } = env;
  const requestsAuth = isSet(LANGGRAPH_AUTH) || !['', 'noop'].includes(LANGGRAPH_AUTH_TYPE.trim().toLowerCase());
  if (isOpen && requestsAuth) {
    findings.problem(
      isSet(LANGGRAPH_AUTH) ? 'LANGGRAPH_AUTH' : 'LANGGRAPH_AUTH_TYPE',
      'is not read by this server, which would accept every caller. Set "auth" in langgraph.json, NESTGRAPH_API_KEYS ' +
        'or NESTGRAPH_JWT_ISSUER',
    );
  }
}

/** Variables of LangGraph's own server with the address of the database. */
export function warnAboutOtherDatabase(env: NodeJS.ProcessEnv, findings: Findings): void {
  const names = ['POSTGRES_URI', 'POSTGRES_URI_CUSTOM'].filter((name) => isSet(env[name]));
  if (names.length > 0 && !isSet(env.DATABASE_URI)) {
    findings.warn(`${names.join(', ')} is not read by this server, which uses its embedded database; set DATABASE_URI`);
  }
}

/** Images write unset settings as `{}` or `null`. */
const isSet = (value: string | undefined): boolean => !['', '{}', 'null'].includes(value?.trim() ?? '');
