import { ApiProperty } from '@nestjs/swagger';
import { errorText, type JsonObject } from '../../common/index.js';
import { type CheckpointConfig, type GraphState, type GraphTask, UnreadState } from '../graphs/graph.js';

/** A reference to a checkpoint (contract 2.8). */
export class Checkpoint {
  /** Thread the checkpoint belongs to. */
  thread_id: string;
  /** Empty for the root graph, `node:task_id` for a subgraph, levels joined by `|`. */
  checkpoint_ns: string;
  /** Id of the checkpoint; null for a subgraph that has not written one yet. */
  @ApiProperty({ type: String, nullable: true })
  checkpoint_id: string | null;
  /** Checkpoint id of every namespace above. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, nullable: true })
  checkpoint_map: Record<string, string> | null;
}

/** A question that waits for an answer (contract 2.5). */
export class Interrupt {
  /** What the graph passed to `interrupt()`. */
  @ApiProperty({ required: false, oneOf: [{}], description: 'What the graph passed to `interrupt()`; any JSON.' })
  value?: unknown;
  /** Stable id; the key in `command.resume` when several are answered at once. */
  id?: string;
}

/** A node that has run in the last superstep or is about to (contract 2.7). */
export class ThreadTask {
  /** Id of the task. */
  id: string;
  /** Name of the node. */
  name: string;
  /** How the task came about. */
  @ApiProperty({ type: 'array', items: {} })
  path: unknown[];
  /** What went wrong, if anything did. */
  @ApiProperty({ type: String, nullable: true })
  error: string | null;
  /** Questions of this task that wait for an answer. */
  @ApiProperty({ type: [Interrupt] })
  interrupts: Interrupt[];
  /** Where the state of the task's subgraph is. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  checkpoint: Checkpoint | null;
  /** State of the task's subgraph, when `subgraphs` was asked for. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  state: ThreadState | null;
  /** Why the state is missing although it was asked for: the subgraph is on a server that does not give it. */
  state_error?: string;
  /** What the task has returned. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  result: unknown;
}

/** The state of a thread at one checkpoint (contract 2.6). */
export class ThreadState {
  /** Values of the state's channels. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  values: unknown;
  /** Nodes that run next; empty when the graph has finished. */
  @ApiProperty({ type: [String] })
  next: string[];
  /** Tasks of the next superstep. */
  @ApiProperty({ type: [ThreadTask] })
  tasks: ThreadTask[];
  /** The checkpoint this state was read from; null before the first one. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  checkpoint: Checkpoint | null;
  /** `source`, `step`, `parents`, and the metadata of the run that wrote the checkpoint. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** When the checkpoint was written. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  created_at: string | null;
  /** The checkpoint before this one. */
  @ApiProperty({ type: Checkpoint, nullable: true })
  parent_checkpoint: Checkpoint | null;
  /** Questions of all tasks that wait for an answer. */
  @ApiProperty({ type: [Interrupt] })
  interrupts: Interrupt[];
}

/** A thread that has no checkpoint yet (contract 1.2). */
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

/** A state snapshot as the API shows it. Messages inside are flattened when the response is written. */
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

/** Null when the reference names no checkpoint. A subgraph that has not run yet is named by its namespace alone. */
export function toCheckpoint(config: CheckpointConfig | undefined): Checkpoint | null {
  const { thread_id, checkpoint_ns = '', checkpoint_id, checkpoint_map } = config?.configurable ?? {};
  if (!thread_id || (!checkpoint_id && checkpoint_ns === '')) {
    return null;
  }
  return { thread_id, checkpoint_ns, checkpoint_id: checkpoint_id ?? null, checkpoint_map: checkpoint_map ?? null };
}

function toTask({ id, name, path = [], error, interrupts, state, result }: GraphTask): ThreadTask {
  const nested = state && 'values' in state ? state : undefined;
  const isUnread = state instanceof UnreadState;
  return {
    id,
    name,
    path,
    error: error === undefined || error === null ? null : typeof error === 'string' ? error : errorText(error),
    interrupts,
    checkpoint: state && !nested && !isUnread ? toCheckpoint(state as CheckpointConfig) : null,
    state: nested ? toThreadState(nested) : null,
    ...(isUnread && { state_error: state.reason }),
    result: result ?? null,
  };
}
