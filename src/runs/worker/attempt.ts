import {
  type CompiledGraph,
  type GraphConfig,
  GraphExecution,
  type GraphState,
  hasCheckpoint,
  checkStrictResume,
  type RunCheckpointer,
  resumeTargetOf,
  toCommand,
} from '../../execution/index.js';
import type { RunStream } from '../../streams/index.js';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import type { ActiveRun } from './active-run.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { callerKeys } from './caller-keys.js';

/** An attempt to execute a run, as far as it has been prepared. */
export interface Attempt {
  active: ActiveRun;
  stream: RunStream;
  checkpointer: BaseCheckpointSaver;
  config: GraphConfig;
  /** Absent until it is loaded, which may fail. */
  graph?: CompiledGraph;
  execution?: GraphExecution;
}

/** True when an earlier attempt wrote checkpoints. They hold the input, and finished nodes are not executed again. */
export const hasEarlierCheckpoints = async (
  { thread_id, createdByThisProcess }: ClaimedRun,
  checkpointer: RunCheckpointer,
): Promise<boolean> => !createdByThisProcess && (await checkpointer.hasBegun(thread_id));

/** Drops the requested checkpoint: an earlier attempt has started from it, and this one resumes from the newest. */
function withoutCheckpoint({ configurable, ...config }: GraphConfig): GraphConfig {
  const { checkpoint_id: _, checkpoint_ns: __, checkpoint_map: ___, ...rest } = configurable ?? {};
  return { ...config, configurable: rest };
}

/** Creates the graph execution of a run: it resumes from the newest checkpoint, or starts with the input. */
export async function newExecution(
  graph: CompiledGraph,
  run: ClaimedRun,
  given: GraphConfig,
  resumes: boolean,
  stream: RunStream,
): Promise<GraphExecution> {
  const { stream_mode, subgraphs, resumable } = run.kwargs;
  const config = resumes ? withoutCheckpoint(given) : given;
  return new GraphExecution({
    graph,
    input: resumes ? null : await inputOf(run, graph, config),
    config,
    hidden: new Set(Object.keys(callerKeys(run.caller))),
    run_id: run.run_id,
    stream_mode: new Set(stream_mode),
    subgraphs,
    // The events of cached tasks are in the log already: they are logged before the checkpoint is committed.
    skipsCached: resumes && resumable,
    emit: (event, json) => stream.append(event, json),
  });
}

/** The graph input of a first attempt. */
async function inputOf({ kwargs }: ClaimedRun, graph: CompiledGraph, config: GraphConfig): Promise<unknown> {
  const { command, input = null, strict_resume } = kwargs;
  if (strict_resume && command?.resume !== undefined) {
    await assertResumesPending(command.resume, graph, config);
  }
  return command ? toCommand(command, () => pendingInterruptIds(graph, config)) : input;
}

/** Throws when a strict resume names no pending interrupt. */
async function assertResumesPending(
  resume: unknown,
  graph: CompiledGraph,
  { configurable }: GraphConfig,
): Promise<void> {
  const refusal = checkStrictResume(resume, resumeTargetOf(await graph.getState({ configurable })));
  if (refusal) {
    throw refusal;
  }
}

/**
 * True when an earlier attempt reached a breakpoint before a node but died before it ended the run. Another call of the
 * graph would resume past the breakpoint.
 */
export async function isAtBreakpoint(graph: CompiledGraph, { thread_id, kwargs }: ClaimedRun): Promise<boolean> {
  const { interrupt_before = [] } = kwargs;
  const state = interrupt_before.length > 0 ? await readState(graph, thread_id) : undefined;
  return state?.next.some((node) => interrupt_before === '*' || interrupt_before.includes(node)) ?? false;
}

/** Ids of the pending interrupts. */
async function pendingInterruptIds(graph: CompiledGraph, { configurable }: GraphConfig): Promise<string[]> {
  const { tasks } = await graph.getState({ configurable });
  return tasks.flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id)));
}

/** The state after a run; undefined without a checkpoint, or when the graph's own code throws. */
export async function readState(graph: CompiledGraph, thread_id: string): Promise<GraphState | undefined> {
  try {
    const state = await graph.getState({ configurable: { thread_id } });
    return hasCheckpoint(state) ? state : undefined;
  } catch {
    return undefined;
  }
}
