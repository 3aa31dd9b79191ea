/** What the configuration may ask for and this version does not do yet. Nothing of it is left out silently. */
import type { LanggraphJson } from './langgraph-json.shape.js';
import { isObject, type Findings } from './shape.js';

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

const asksForNothing = (value: unknown): boolean =>
  value === undefined || value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);

export function warnAboutUnused(settings: LanggraphJson, findings: Findings): void {
  UNUSED_KEYS.filter((path) => !asksForNothing(valueAt(settings, path))).forEach((path) =>
    findings.warn(`${path} is not used by this version yet`),
  );
}

const unencrypted = (setting: string): string =>
  'encryption is not supported by this version yet; data would be stored as plain text. ' +
  `Encrypt the disk of the database, then remove ${setting}`;

/** Serving without a protection that somebody asked for would be worse than not serving. */
export function refuseUnprotected({ encryption }: LanggraphJson, findings: Findings): void {
  if (encryption) {
    findings.problem('encryption.path', unencrypted('"encryption"'));
  }
}

/** Variables by which LangGraph's own server encrypts what it stores. */
const ENCRYPTION = [
  'LANGGRAPH_AES_KEY',
  'LANGGRAPH_AES_JSON_KEYS',
  'LANGGRAPH_AES_LEGACY_KEY',
  'LANGGRAPH_AES_FALLBACK_KEYS',
  'LANGGRAPH_ENCRYPTION',
];

/** Blocks of langgraph.json that LangGraph's images hand to their server as JSON, and that protect something. */
const BLOCKS = { LANGGRAPH_HTTP: 'http', LANGGRAPH_WEBHOOKS: 'webhooks' } as const;

/** Variables of LangGraph's own server, that an operator may rely on. `isOpen`: no caller has to authenticate. */
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
  const asksForAuth = isSet(LANGGRAPH_AUTH) || !['', 'noop'].includes(LANGGRAPH_AUTH_TYPE.trim().toLowerCase());
  if (isOpen && asksForAuth) {
    findings.problem(
      isSet(LANGGRAPH_AUTH) ? 'LANGGRAPH_AUTH' : 'LANGGRAPH_AUTH_TYPE',
      'is not read by this server, which would let every caller in. Set "auth" in langgraph.json, NESTGRAPH_API_KEYS ' +
        'or NESTGRAPH_JWT_ISSUER',
    );
  }
}

/** Variables of LangGraph's own server that say where data is. */
export function warnAboutOtherDatabase(env: NodeJS.ProcessEnv, findings: Findings): void {
  const names = ['POSTGRES_URI', 'POSTGRES_URI_CUSTOM'].filter((name) => isSet(env[name]));
  if (names.length > 0 && !isSet(env.DATABASE_URI)) {
    findings.warn(`${names.join(', ')} is not read by this server, which uses its embedded database; set DATABASE_URI`);
  }
}

/** Images write settings that were left out as `{}` or `null`. */
const isSet = (value: string | undefined): boolean => !['', '{}', 'null'].includes(value?.trim() ?? '');
