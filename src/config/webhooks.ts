import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { LanggraphJson } from './langgraph-json.shape.js';
import { pathTo, type Findings } from './shape.js';

/** Which addresses runs may call when they end. */
export interface WebhookUrlPolicy {
  /** Host names, `*.` for all names below one. Empty: any. */
  readonly allowed_domains: readonly string[];
  /** Empty: any. */
  readonly allowed_ports: readonly number[];
  readonly require_https: boolean;
  /** Refuses paths of this server and addresses of this machine. */
  readonly disable_loopback: boolean;
  /** In characters. */
  readonly max_url_length?: number;
}

export interface WebhooksConfig {
  /** Runs that name a webhook are refused. */
  readonly disabled: boolean;
  readonly url: WebhookUrlPolicy;
  /** Sent with every call, by their names in lower case. They may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** Runs may call addresses that the internet does not reach; those of this machine have a setting of their own. */
  readonly allow_private: boolean;
  /** Runs may call addresses of this machine. */
  readonly allow_loopback: boolean;
  /** Signs what is sent. */
  readonly secret?: string;
}

type WebhookSettings = NonNullable<LanggraphJson['webhooks']>;

const DEFAULT_PREFIX = 'LG_WEBHOOK_';
const SHORTEST_SECRET = 16;

/** These say what is in the request; another value would break it, or feign another sender. */
const OURS =
  /^(content-(type|length|encoding)|host|connection|transfer-encoding|expect|upgrade|te|trailer|webhook-.*)$/;

const TEMPLATE = /\$\{\{\s*env\.(\w+)\s*\}\}/g;

/** `webhooks` and `http.disable_webhooks` with defaults. `dev` allows loopback: that is where receivers are developed. */
export function webhooksConfig(
  command: string,
  { webhooks, http }: Partial<Pick<LanggraphJson, 'webhooks' | 'http'>>,
  headers: Readonly<Record<string, string>>,
  environment: { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE?: boolean; NESTGRAPH_WEBHOOK_SECRET?: string },
): WebhooksConfig {
  const { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: allowed, NESTGRAPH_WEBHOOK_SECRET: secret } = environment;
  const url = {
    allowed_domains: [],
    allowed_ports: [],
    require_https: false,
    disable_loopback: false,
    ...webhooks?.url,
  };
  return {
    disabled: http?.disable_webhooks ?? false,
    url,
    headers,
    allow_private: allowed ?? false,
    allow_loopback: (allowed ?? command === 'dev') && !url.disable_loopback,
    secret,
  };
}

/** Headers are sent wherever a client says, unless domains are configured; often they hold the receiver's secret. */
export function warnAboutHeaders({ disabled, headers, url }: WebhooksConfig, findings: Findings): void {
  const names = Object.keys(headers);
  if (!disabled && names.length > 0 && url.allowed_domains.length === 0) {
    findings.warn(
      `webhooks.headers (${names.join(', ')}) are sent to any address that a client names; ` +
        'name the hosts of your receivers in webhooks.url.allowed_domains',
    );
  }
}

/** `webhooks.headers` with the values of their variables. What is wrong is noted without repeating values. */
export function readWebhookHeaders(
  { headers = {}, env_prefix = DEFAULT_PREFIX }: WebhookSettings,
  env: NodeJS.ProcessEnv,
  findings: Findings,
): Record<string, string> {
  const entries = Object.entries(headers).map(([name, template]) => {
    const at = pathTo('webhooks.headers', name);
    const value = fillIn(template, env_prefix, env, (sentence) => findings.problem(at, sentence));
    const wrong = value === undefined ? undefined : faultOf(name.toLowerCase(), value);
    if (wrong) {
      findings.problem(at, wrong);
    }
    return [name.toLowerCase(), value ?? ''];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Undefined after reporting why the template cannot be filled in. */
function fillIn(
  template: string,
  prefix: string,
  env: NodeJS.ProcessEnv,
  report: (sentence: string) => undefined,
): string | undefined {
  if (template.replace(TEMPLATE, '').includes('${{')) {
    return report(`expected templates of the form "\${{ env.${prefix}NAME }}"`);
  }
  const names = [...template.matchAll(TEMPLATE)].map(([, name]) => name);
  const foreign = names.find((name) => !name.startsWith(prefix));
  if (foreign) {
    return report(`the variable ${foreign} does not begin with "${prefix}" (webhooks.env_prefix), so it is not sent`);
  }
  const missing = names.find((name) => !env[name]);
  if (missing) {
    return report(`the variable ${missing} is not set`);
  }
  return template.replace(TEMPLATE, (_, name: string) => env[name]!);
}

function faultOf(name: string, value: string): string | undefined {
  if (OURS.test(name)) {
    return 'this header is set by the server; remove it';
  }
  try {
    validateHeaderName(name);
  } catch {
    return 'expected the name of a header';
  }
  try {
    validateHeaderValue(name, value);
  } catch {
    return 'its value has characters that a header cannot have, for example a line break';
  }
  return undefined;
}

/** Not a shape: those repeat the value that does not fit. */
export function checkSecret(secret: string | undefined, findings: Findings): void {
  if (secret !== undefined && secret.length < SHORTEST_SECRET) {
    findings.problem('NESTGRAPH_WEBHOOK_SECRET', `expected at least ${SHORTEST_SECRET} characters`);
  }
}
