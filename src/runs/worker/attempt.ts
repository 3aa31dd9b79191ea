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
import type { ClaimedRun } from '../queue/queued-run.js';
import { callerKeys } from '../run-caller.js';

/** True when an earlier attempt has left checkpoints: its input is in them, and finished nodes are not executed again. */
export const wasBegun = async (
  { thread_id, created_here }: ClaimedRun,
  checkpointer: RunCheckpointer,
): Promise<boolean> => !created_here && (await checkpointer.hasBegun(thread_id));

/** Without the checkpoint that the run was to begin at: an earlier attempt has begun there. */
function fromNewest({ configurable, ...config }: GraphConfig): GraphConfig {
  const { checkpoint_id: _, checkpoint_ns: __, checkpoint_map: ___, ...rest } = configurable ?? {};
  return { ...config, configurable: rest };
}

/** A run's call of its graph, which `goesOn` from the newest checkpoint or begins. */
export async function newExecution(
  graph: CompiledGraph,
  run: ClaimedRun,
  given: GraphConfig,
  goesOn: boolean,
  stream: RunStream,
): Promise<GraphExecution> {
  const { stream_mode, subgraphs, resumable } = run.kwargs;
  const config = goesOn ? fromNewest(given) : given;
  return new GraphExecution({
    graph,
    input: goesOn ? null : await inputOf(run, graph, config),
    config,
    hidden: new Set(Object.keys(callerKeys(run.caller))),
    run_id: run.run_id,
    stream_mode: new Set(stream_mode),
    subgraphs,
    // They were in the log before the task was in its checkpoint.
    skipsCached: goesOn && resumable,
    emit: (event, json) => stream.append(event, json),
  });
}

/** What the first attempt begins with. */
async function inputOf({ kwargs }: ClaimedRun, graph: CompiledGraph, config: GraphConfig): Promise<unknown> {
  const { command, input = null, strict_resume } = kwargs;
  if (strict_resume && command?.resume !== undefined) {
    await assertAnswers(command.resume, graph, config);
  }
  return command ? toCommand(command, () => openInterrupts(graph, config)) : input;
}

/** Throws the refusal of a resume that answers nothing that waits. */
async function assertAnswers(resume: unknown, graph: CompiledGraph, { configurable }: GraphConfig): Promise<void> {
  const refusal = checkStrictResume(resume, resumeTargetOf(await graph.getState({ configurable })));
  if (refusal) {
    throw refusal;
  }
}

/**
 * True when an earlier attempt had come to a breakpoint before a node and only not told: called again, the graph would
 * take that for leave to go on.
 */
export async function isAtBreakpoint(graph: CompiledGraph, { thread_id, kwargs }: ClaimedRun): Promise<boolean> {
  const { interrupt_before = [] } = kwargs;
  const state = interrupt_before.length > 0 ? await readState(graph, thread_id) : undefined;
  return state?.next.some((node) => interrupt_before === '*' || interrupt_before.includes(node)) ?? false;
}

/** Ids of the questions that wait for an answer. */
async function openInterrupts(graph: CompiledGraph, { configurable }: GraphConfig): Promise<string[]> {
  const { tasks } = await graph.getState({ configurable });
  return tasks.flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id)));
}

/** The state a run leaves; undefined when there is none, or when the graph's own code fails on it. */
export async function readState(graph: CompiledGraph, thread_id: string): Promise<GraphState | undefined> {
  try {
    const state = await graph.getState({ configurable: { thread_id } });
    return hasCheckpoint(state) ? state : undefined;
  } catch {
    return undefined;
  }
}
