import { ApiProperty } from '@nestjs/swagger';
import { errorText, type JsonObject } from '../../common/index.js';
import { type CheckpointConfig, type GraphState, type GraphTask, UnavailableState } from '../graphs/graph.js';

/** A reference to a checkpoint (contract 2.8). */
export class Checkpoint {
  /** Thread of the checkpoint. */
  thread_id: string;
  /** Namespace: empty for the root graph, `node:task_id` for a subgraph, levels joined by `|`. */
  checkpoint_ns: string;
  /** Id of the checkpoint; null for a subgraph that has not written one yet. */
  @ApiProperty({ type: String, nullable: true })
  checkpoint_id: string | null;
  /** Checkpoint ids of all parent namespaces. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, nullable: true })
  checkpoint_map: Record<string, string> | null;
}

/** A pending interrupt (contract 2.5). */
export class Interrupt {
  /** Value that the graph passed to `interrupt()`. */
  @ApiProperty({ required: false, oneOf: [{}], description: 'Value that the graph passed to `interrupt()`; any JSON.' })
  value?: unknown;
  /** Stable id; the key in `command.resume` when several interrupts are resumed at once. */
  id?: string;
}

/** One execution of a node, in the last superstep or the next one (contract 2.7). */
export class ThreadTask {
  /** Id of the task. */
  id: string;
  /** Name of the node. */
  name: string;
  /** What triggered the task: an edge or a `Send`. */
  @ApiProperty({ type: 'array', items: {} })
  path: unknown[];
  /** Error of the task; null if it did not fail. */
  @ApiProperty({ type: String, nullable: true })
  error: string | null;
  /** Pending interrupts of this task. */
  @ApiProperty({ type: [Interrupt] })
  interrupts: Interrupt[];
  /** Checkpoint of the task's subgraph. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  checkpoint: Checkpoint | null;
  /** State of the task's subgraph, if `subgraphs` was requested. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  state: ThreadState | null;
  /** Why the requested state is missing: the subgraph is a remote graph whose server does not return its state. */
  state_error?: string;
  /** Return value of the task. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  result: unknown;
}

/** The state of a thread at one checkpoint (contract 2.6). */
export class ThreadState {
  /** Values of the state's channels. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  values: unknown;
  /** Nodes of the next superstep; empty when the graph has finished. */
  @ApiProperty({ type: [String] })
  next: string[];
  /** Tasks of the next superstep. */
  @ApiProperty({ type: [ThreadTask] })
  tasks: ThreadTask[];
  /** Checkpoint of this state; null before the first checkpoint. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  checkpoint: Checkpoint | null;
  /** `source`, `step`, `parents`, and the metadata of the run that wrote the checkpoint. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** Creation time of the checkpoint. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  created_at: string | null;
  /** Parent of this checkpoint. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  parent_checkpoint: Checkpoint | null;
  /** Pending interrupts of all tasks. */
  @ApiProperty({ type: [Interrupt] })
  interrupts: Interrupt[];
}

/** The state of a thread without checkpoints (contract 1.2). */
export const emptyThreadState = (): ThreadState => ({
  values: {},
  next: [],
  tasks: [],
  checkpoint: null,
  metadata: {},
  created_at: null,
  parent_checkpoint: null,
  interrupts: [],
});

/** Converts a state snapshot to its API form. The messages in it are flattened when the response is written. */
export function toThreadState(state: GraphState): ThreadState {
  const tasks = state.tasks.map(toTask);
  return {
    values: state.values,
    next: state.next,
    tasks,
    checkpoint: toCheckpoint(state.config),
    metadata: state.metadata ?? {},
    created_at: state.createdAt ?? null,
    parent_checkpoint: toCheckpoint(state.parentConfig),
    interrupts: tasks.flatMap(({ interrupts }) => interrupts),
  };
}

/** Null when the config refers to no checkpoint. A subgraph that has not run yet has a namespace but no checkpoint id. */
export function toCheckpoint(config: CheckpointConfig | undefined): Checkpoint | null {
  const { thread_id, checkpoint_ns = '', checkpoint_id, checkpoint_map } = config?.configurable ?? {};
  if (!thread_id || (!checkpoint_id && checkpoint_ns === '')) {
    return null;
  }
  return { thread_id, checkpoint_ns, checkpoint_id: checkpoint_id ?? null, checkpoint_map: checkpoint_map ?? null };
}

function toTask({ id, name, path = [], error, interrupts, state, result }: GraphTask): ThreadTask {
  const nested = state && 'values' in state ? state : undefined;
  const isUnavailable = state instanceof UnavailableState;
  return {
    id,
    name,
    path,
    error: error === undefined || error === null ? null : typeof error === 'string' ? error : errorText(error),
    interrupts,
    checkpoint: state && !nested && !isUnavailable ? toCheckpoint(state as CheckpointConfig) : null,
    state: nested ? toThreadState(nested) : null,
    ...(isUnavailable && { state_error: state.reason }),
    result: result ?? null,
  };
}
