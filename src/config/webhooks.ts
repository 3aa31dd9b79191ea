import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { LanggraphJson } from './langgraph-json.schema.js';
import { type Findings, pathTo } from './findings.js';

/** Which addresses the webhooks of runs may call. */
export interface WebhookUrlPolicy {
  /** Host names; `*.` matches all subdomains. Empty: any. */
  readonly allowed_domains: readonly string[];
  /** Empty: any. */
  readonly allowed_ports: readonly number[];
  readonly require_https: boolean;
  /** Rejects paths of this server and loopback addresses. */
  readonly disable_loopback: boolean;
  /** In characters. */
  readonly max_url_length?: number;
}

export interface WebhooksConfig {
  /** Rejects runs with a webhook. */
  readonly disabled: boolean;
  readonly url: WebhookUrlPolicy;
  /** Sent with every webhook, by lower-case name. Values may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** Allows non-public addresses, except loopback addresses. */
  readonly allow_private: boolean;
  /** Allows loopback addresses. */
  readonly allow_loopback: boolean;
  /** Key of the webhook signature. */
  readonly secret?: string;
}

type WebhookSettings = NonNullable<LanggraphJson['webhooks']>;

const DEFAULT_PREFIX = 'LG_WEBHOOK_';
const MIN_SECRET_LENGTH = 16;

/** Set by the server: another value would break the request, or forge its sender. */
const RESERVED_HEADERS =
  /^(content-(type|length|encoding)|host|connection|transfer-encoding|expect|upgrade|te|trailer|webhook-.*)$/;

const TEMPLATE = /\$\{\{\s*env\.(\w+)\s*\}\}/g;

/** `webhooks` and `http.disable_webhooks` with defaults. `dev` allows loopback, where receivers are developed. */
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

/** Without `allowed_domains` a client can direct the headers, which often hold a secret of the receiver, to any host. */
export function warnAboutHeaders({ disabled, headers, url }: WebhooksConfig, findings: Findings): void {
  const names = Object.keys(headers);
  if (!disabled && names.length > 0 && url.allowed_domains.length === 0) {
    findings.warn(
      `webhooks.headers (${names.join(', ')}) are sent to any address that a client names; ` +
        'name the hosts of your receivers in webhooks.url.allowed_domains',
    );
  }
}

/** `webhooks.headers` with the values of their variables. Reported problems do not contain values. */
export function readWebhookHeaders(
  { headers = {}, env_prefix = DEFAULT_PREFIX }: WebhookSettings,
  env: NodeJS.ProcessEnv,
  findings: Findings,
): Record<string, string> {
  const entries = Object.entries(headers).map(([name, template]) => {
    const at = pathTo('webhooks.headers', name);
    const value = expandTemplate(template, env_prefix, env, (sentence) => findings.problem(at, sentence));
    const wrong = value === undefined ? undefined : headerProblem(name.toLowerCase(), value);
    if (wrong) {
      findings.problem(at, wrong);
    }
    return [name.toLowerCase(), value ?? ''];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Returns undefined after reporting why the template cannot be expanded. */
function expandTemplate(
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

function headerProblem(name: string, value: string): string | undefined {
  if (RESERVED_HEADERS.test(name)) {
    return 'this header is set by the server; remove it';
  }
  try {
    validateHeaderName(name);
  } catch {
    return 'expected a valid header name';
  }
  try {
    validateHeaderValue(name, value);
  } catch {
    return 'the value contains characters that are invalid in a header, such as a line break';
  }
  return undefined;
}

/** Not a shape: its messages would contain the secret. */
export function checkSecret(secret: string | undefined, findings: Findings): void {
  if (secret !== undefined && secret.length < MIN_SECRET_LENGTH) {
    findings.problem('NESTGRAPH_WEBHOOK_SECRET', `expected at least ${MIN_SECRET_LENGTH} characters`);
  }
}
