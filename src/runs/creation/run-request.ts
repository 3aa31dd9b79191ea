import { isObject, type JsonObject, UnsupportedParameterError } from '../../common/index.js';
import type { LangSmithConfig } from '../../config/index.js';
import { type StreamMode, withoutInternalKeys } from '../../execution/index.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { AUTH_KEYS, RUN_SCOPED_KEYS } from './run-caller.js';
import type { RunKwargs } from '../run.entity.js';

/** The sources of a run's settings, in ascending precedence: assistant, thread, request. */
export interface RunSettings {
  run_id: string;
  thread_id: string;
  assistant: { assistant_id: string; graph_id: string; config: JsonObject; context: JsonObject; metadata: JsonObject };
  thread: { config: JsonObject; metadata: JsonObject };
  body: RunCreate;
  temporary: boolean;
  /** The cron that creates the run. */
  cron_id?: string;
}

/** The merged settings of a run, and what it writes to its thread. */
export interface PreparedRun {
  kwargs: RunKwargs;
  metadata: JsonObject;
  /** Becomes the thread's config when the run starts. Later runs and graph factories start from it. */
  thread_config: JsonObject;
}

/** Rejects parameters that this server cannot support, before anything is written. */
export function assertSupported(body: RunCreate, { langsmith }: { langsmith?: LangSmithConfig }): void {
  if (body.feedback_keys?.length && !langsmith) {
    throw new UnsupportedParameterError('feedback_keys', 'needs LangSmith; set LANGSMITH_API_KEY, or leave it out');
  }
  if (requestsTrace(body) && !langsmith?.tracing) {
    const reason = 'needs tracing; set LANGSMITH_API_KEY and LANGSMITH_TRACING=true, or leave it out';
    throw new UnsupportedParameterError('langsmith_tracer', reason);
  }
}

const requestsTrace = ({ langsmith_tracer: { project_name, example_id } = {} }: RunCreate): boolean =>
  (project_name ?? example_id) !== undefined;

/**
 * Merges the settings of a run (behaviours 6). `configurable` and metadata are merged key by key. Other config keys of
 * the request replace those of the assistant.
 */
export function prepareRun(settings: RunSettings): PreparedRun {
  const { run_id, thread_id, assistant, thread, body, cron_id } = settings;
  const { graph_id, assistant_id } = assistant;
  const { configurable: _, ...options } = { ...assistant.config, ...body.config };
  const chosen = without(
    {
      ...withoutInternalKeys(assistant.config.configurable),
      ...withoutInternalKeys(thread.config.configurable),
      ...withoutInternalKeys(body.config?.configurable),
    },
    AUTH_KEYS,
  );
  const context = { ...assistant.context, ...body.context };
  // Context is copied into configurable for graphs that read their settings there.
  const fromContext = without(withoutInternalKeys(context), [...AUTH_KEYS, ...RUN_SCOPED_KEYS]);
  const lasting = { ...without(chosen, RUN_SCOPED_KEYS), ...fromContext };
  const checkpoint = checkpointOf(chosen, body);
  const ids = { run_id, thread_id, graph_id, assistant_id, ...(cron_id && { cron_id }) };
  const configurable = { ...lasting, ...traceOf(body), ...checkpoint, ...ids };
  return {
    kwargs: toKwargs(settings, { ...options, configurable }, Object.keys(context).length > 0 ? context : lasting),
    metadata: mergeMetadata(settings),
    thread_config: { ...without(options, ['metadata']), configurable: without(lasting, Object.keys(context)) },
  };
}

function toKwargs({ body, temporary }: RunSettings, config: RunKwargs['config'], context: JsonObject): RunKwargs {
  const modes: StreamMode[] = [body.stream_mode ?? []].flat();
  return {
    ...(body.input !== undefined && { input: body.input }),
    ...(body.command && { command: body.command }),
    config,
    context,
    stream_mode: modes.length > 0 ? modes : ['values'],
    ...(body.interrupt_before && { interrupt_before: body.interrupt_before }),
    ...(body.interrupt_after && { interrupt_after: body.interrupt_after }),
    ...(body.webhook && { webhook: body.webhook }),
    temporary,
    subgraphs: body.stream_subgraphs ?? false,
    resumable: body.stream_resumable ?? false,
    durability: body.durability ?? (body.checkpoint_during === false ? 'exit' : 'async'),
    ...(body.checkpoint_during !== undefined && { checkpoint_during: body.checkpoint_during }),
    ...(body.feedback_keys?.length && { feedback_keys: body.feedback_keys }),
    ...(body.strict_resume && { strict_resume: true }),
  };
}

/** Merges metadata. Reserved names keep their real values. A run does not inherit the `cron_id` of its thread. */
function mergeMetadata({ run_id, thread_id, assistant, thread, body, cron_id }: RunSettings): JsonObject {
  const { graph_id, assistant_id } = assistant;
  const inherited = { ...assistant.metadata, ...without(thread.metadata, ['cron_id']) };
  const merged: JsonObject = { ...inherited, ...body.metadata, ...(cron_id && { cron_id }) };
  const real: JsonObject = { run_id, thread_id, run_attempt: undefined };
  const claimed = Object.entries(real).filter(([key]) => key in merged);
  return { ...merged, ...Object.fromEntries(claimed), graph_id, assistant_id };
}

/** The LangSmith settings, under the names that LangGraph's own servers use; the tracer reads them. */
const traceOf = ({ langsmith_tracer: { project_name, example_id } = {} }: RunCreate): JsonObject => ({
  ...(project_name !== undefined && { langsmith_project: project_name }),
  ...(example_id !== undefined && { langsmith_example_id: example_id }),
});

/** `checkpoint` overrides `checkpoint_id`, and both override `configurable`. */
function checkpointOf(configurable: JsonObject, { checkpoint, checkpoint_id }: RunCreate): JsonObject {
  const source: JsonObject = { ...configurable, ...(checkpoint_id && { checkpoint_id }), ...dropNulls(checkpoint) };
  const keys = ['checkpoint_id', 'checkpoint_ns', 'checkpoint_map'] as const;
  return Object.fromEntries(keys.filter((key) => source[key]).map((key) => [key, source[key]]));
}

const dropNulls = (value: object | undefined): JsonObject =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== undefined))
    : {};

const without = (object: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
