import { isObject, type JsonObject } from '../../common/index.js';
import { publishedAddress } from '../../config/index.js';
import { type GraphConfig, toRunnableConfig } from '../../execution/index.js';
import { langgraphVersion } from '../../observability/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { callerKeys } from './caller-keys.js';
import type { ActiveRun } from './active-run.js';

/** The metadata of a run in graphs, traces and streamed messages (behaviours 6). */
export function runMetadataOf({ run_id, thread_id, metadata, attempt }: ClaimedRun): JsonObject {
  return { ...metadata, run_id, thread_id, run_attempt: attempt };
}

/** Metadata about this server, under the names that LangGraph's own servers use. */
function serverMetadata(): JsonObject {
  const langgraph_api_url = publishedAddress();
  return {
    langgraph_version: langgraphVersion(),
    langgraph_plan: 'developer',
    langgraph_host: 'self-hosted',
    ...(langgraph_api_url && { langgraph_api_url }),
  };
}

/** The `RunnableConfig` with which a run calls its graph. */
export function runnableConfigOf(
  { run, signal, drain: { control } }: ActiveRun,
  tracer: object | undefined,
): GraphConfig {
  const { config, context, interrupt_before, interrupt_after, durability, strict_resume } = run.kwargs;
  const runnable = toRunnableConfig(config);
  return {
    ...runnable,
    configurable: {
      ...runnable.configurable,
      // From the row: runs queued by earlier versions may hold another spelling of the id in their config.
      thread_id: run.thread_id,
      ...callerKeys(run.caller),
      // For versions of LangGraph that support it; for others, the input is checked before the call.
      ...(strict_resume && { __pregel_strict_resume: true }),
    },
    metadata: {
      ...(isObject(config.metadata) && config.metadata),
      ...runMetadataOf(run),
      ...serverMetadata(),
    },
    context,
    signal,
    durability,
    ...(control && { control }),
    ...(tracer && { callbacks: [tracer] }),
    ...(interrupt_before && { interruptBefore: interrupt_before }),
    ...(interrupt_after && { interruptAfter: interrupt_after }),
  };
}
