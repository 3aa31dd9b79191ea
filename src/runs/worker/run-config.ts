import { isObject, type JsonObject } from '../../common/index.js';
import { type GraphConfig, toRunnableConfig } from '../../execution/index.js';
import type { ClaimedRun } from '../queue/run-queue.js';
import type { ActiveRun } from './active-run.js';

/** What graphs, traces and streamed messages see of their run (behaviours 6). */
export function runMetadataOf({ run_id, thread_id, metadata, attempt }: ClaimedRun): JsonObject {
  return { ...metadata, run_id, thread_id, run_attempt: attempt };
}

/** The config of a run's call of its graph. */
export function runnableConfigOf({ run, signal, drain }: ActiveRun): GraphConfig {
  const { config, context, interrupt_before, interrupt_after, durability } = run.kwargs;
  return {
    ...toRunnableConfig(config),
    metadata: {
      ...(isObject(config.metadata) && config.metadata),
      ...runMetadataOf(run),
      langgraph_host: 'self-hosted',
    },
    context,
    signal,
    control: drain,
    durability,
    ...(interrupt_before && { interruptBefore: interrupt_before }),
    ...(interrupt_after && { interruptAfter: interrupt_after }),
  };
}
