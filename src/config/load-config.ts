import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { assemble } from './assemble.js';
import { checkAuth, isOpen } from './auth.js';
import type { CliOptions, Command } from './cli-options.js';
import type { NestgraphConfig } from './config.js';
import { ConfigError } from './config.errors.js';
import { PORT, readEnvironment, type Environment } from './env.js';
import { Findings } from './findings.js';
import { checkPythonGraphs, readEnv, readLanggraphJson } from './langgraph-json.js';
import type { LanggraphJson } from './langgraph-json.schema.js';
import { readInto } from './read-value.js';
import {
  refuseUnprotected,
  refuseUnprotectedEnvironment,
  warnAboutOtherDatabase,
  warnAboutUnused,
} from './unsupported.js';
import { checkSecret, readWebhookHeaders, warnAboutHeaders } from './webhooks.js';

const WORKS_WITHOUT_GRAPHS: readonly Command[] = ['migrate', 'openapi'];

/**
 * Loads the configuration of this process. Variables from langgraph.json are added to `env`, so that graphs can read them;
 * an existing variable, even an empty one, is not replaced. Throws one ConfigError with all problems.
 */
export function loadConfig(options: CliOptions, env: NodeJS.ProcessEnv = process.env): NestgraphConfig {
  const findings = new Findings();
  const config_file = locateConfigFile(options, findings);
  const langgraph = config_file === undefined ? undefined : readLanggraphJson(config_file, findings);
  let webhook_headers = {};
  if (langgraph && config_file) {
    const missing = options.command === 'start' || options.command === 'worker' ? 'stop' : 'warn';
    addMissing(env, readEnv(langgraph, config_file, missing, findings));
    checkPythonGraphs(langgraph, missing, findings.within(basename(config_file)));
    addMissing(env, { ...GRAPH_ENVIRONMENT, ...(options.command === 'dev' && { NODE_ENV: 'development' }) });
    checkSupport(options.command, langgraph, findings.within(basename(config_file)));
    webhook_headers = webhookHeaders(options.command, langgraph, env, findings.within(basename(config_file)));
  }
  const environment = readEnvironment(env, findings);
  checkTogether(options, environment, findings);
  checkAuth(environment, langgraph, findings);
  if (langgraph && !WORKS_WITHOUT_GRAPHS.includes(options.command)) {
    refuseUnprotectedEnvironment(
      env,
      { langgraph, isOpen: options.command !== 'worker' && isOpen(environment, langgraph) },
      findings,
    );
    warnAboutOtherDatabase(env, findings);
  }
  if (findings.problems.length > 0) {
    throw new ConfigError(findings.problems);
  }
  if (langgraph) {
    warnAboutUnknownGraphs(environment, langgraph, findings);
  }
  const { warnings } = findings;
  const config = assemble({ options, env, environment, config_file, langgraph, webhook_headers, warnings });
  warnAboutHeaders(config.webhooks, findings);
  return config;
}

function locateConfigFile({ command, config }: CliOptions, findings: Findings): string | undefined {
  const file = resolve(config ?? 'langgraph.json');
  if (existsSync(file)) {
    return file;
  }
  if (config === undefined && WORKS_WITHOUT_GRAPHS.includes(command)) {
    return undefined;
  }
  return findings.problem(
    '',
    `There is no ${basename(file)} in ${dirname(file)}. Run the command in the folder of your project, ` +
      `or pass the path of the file: nestgraph ${command} --config path/to/langgraph.json`,
  );
}

/**
 * Variables that graphs need. By default LangChain invokes callbacks in the background: under load, tokens would reach the
 * stream after their run has ended, and would be lost.
 */
const GRAPH_ENVIRONMENT = { LANGCHAIN_CALLBACKS_BACKGROUND: 'false' };

function addMissing(env: NodeJS.ProcessEnv, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    env[name] ??= value;
  }
}

function checkSupport(command: Command, langgraph: LanggraphJson, findings: Findings): void {
  warnAboutUnused(langgraph, findings);
  if (!WORKS_WITHOUT_GRAPHS.includes(command)) {
    refuseUnprotected(langgraph, findings);
  }
}

/** Checks that need both the command line and the environment. */
function checkTogether({ command, port }: CliOptions, environment: Environment, findings: Findings): void {
  if (port !== undefined) {
    readInto(PORT, port, findings.within('--port'));
  }
  if (command === 'worker' && environment.N_JOBS_PER_WORKER === 0) {
    findings.problem(
      'N_JOBS_PER_WORKER',
      'expected at least 1 for a worker, got 0; with 0 slots it never executes a run',
    );
  }
  checkSecret(environment.NESTGRAPH_WEBHOOK_SECRET, findings);
  if (environment.REDIS_URI) {
    findings.warn('REDIS_URI is used only for rate limits (NESTGRAPH_RATE_LIMIT_PER_MINUTE)');
  }
}

/** Commands that send no webhooks do not need the variables that the headers reference. */
const webhookHeaders = (
  command: Command,
  { webhooks = {} }: LanggraphJson,
  env: NodeJS.ProcessEnv,
  findings: Findings,
): Readonly<Record<string, string>> =>
  WORKS_WITHOUT_GRAPHS.includes(command) ? {} : readWebhookHeaders(webhooks, env, findings);

function warnAboutUnknownGraphs(
  { LANGGRAPH_CONFIG }: Environment,
  { graphs }: LanggraphJson,
  findings: Findings,
): void {
  Object.keys(LANGGRAPH_CONFIG)
    .filter((graph_id) => !Object.hasOwn(graphs, graph_id))
    .forEach((graph_id) => findings.warn(`LANGGRAPH_CONFIG: unknown graph "${graph_id}"; its defaults are ignored`));
}
