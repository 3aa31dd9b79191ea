import { Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import { DraftCheckpointer } from '../checkpoints/draft-checkpointer.js';
import { PostgresCheckpointer } from '../checkpoints/postgres-checkpointer.js';
import { FIND_CHECKPOINT, LAST_CHECKPOINT_OF_RUN } from '../checkpoints/checkpoint-sql.js';
import type { CheckpointConfig, CompiledGraph, GraphConfig, GraphState, HistoryOptions } from '../graphs/graph.js';
import { GraphRegistry } from '../graphs/graph-registry.js';
import { closeRemoteGraphs } from '../graphs/remote-graphs.js';
import { toCommand, type WireCommand } from '../runner/command.js';
import { toRunnableConfig } from '../runner/runnable-config.js';
import { neededParts, selectState } from './select-state.js';
import { emptyThreadState, type ThreadState, toThreadState } from './thread-state.dto.js';
import { CheckpointNotFoundError, InvalidStateUpdateError } from './state.errors.js';

/** Whose state: the thread with its graph and the config its last run left behind. */
export interface StateOwner {
  thread_id: string;
  graph_id: string;
  config: Record<string, unknown>;
}

/** Which checkpoint; the newest one of the root graph when nothing is given. */
export interface CheckpointReference {
  checkpoint_ns?: string;
  checkpoint_id?: string;
  checkpoint_map?: Record<string, string>;
}

/** What of a state is wanted. */
export interface StateOptions {
  /** The state of subgraphs in their tasks, too. */
  subgraphs: boolean;
  /** Only these fields, see {@link selectState}; all when absent. */
  select?: readonly string[];
}

/** A change of the state made by hand. */
export interface StateUpdate {
  /** One update, several, or null for "the node has run and returned nothing". */
  values: unknown;
  as_node?: string;
  checkpoint?: CheckpointReference;
  /** Goes into the metadata of the new checkpoint. */
  metadata?: Record<string, unknown>;
}

/** A change of the state that is computed and not yet written. */
export interface StateDraft {
  /** The reference of its last checkpoint. */
  checkpoint: CheckpointConfig;
  /** The newest state of the thread once it is written. */
  state: GraphState;
  /**
   * Writes its checkpoints in the caller's transaction, which has locked the thread. False when the thread has other
   * checkpoints than those it was computed from; then nothing is written.
   */
  write(db: Queryable): Promise<boolean>;
}

/** What nodes have done side by side, as clients say it. */
export interface WireSuperstep {
  updates: readonly { values?: unknown; command?: WireCommand; as_node: string }[];
}

/**
 * Bytes of the checkpoints that one request may make: each has the whole of every channel that has changed, so that a body
 * of a megabyte can stand for gigabytes.
 */
const MAX_SUPERSTEPS_BYTES = 64 * 1024 * 1024;

/** Throws {@link CheckpointNotFoundError} when a reference names a checkpoint that the thread does not have. */
export async function assertCheckpointExists(
  db: Queryable,
  thread_id: string,
  { checkpoint_id, checkpoint_ns = '' }: CheckpointReference,
): Promise<void> {
  if (!checkpoint_id) {
    return;
  }
  // From configurable it may be anything, also what PostgreSQL refuses as text.
  const [id, ns] = [checkpoint_id, checkpoint_ns].map((part: unknown) =>
    (typeof part === 'string' ? part : JSON.stringify(part)).replaceAll('\0', ''),
  );
  const { rows } = await db.query(FIND_CHECKPOINT, [thread_id, ns, id]);
  if (rows.length === 0) {
    throw new CheckpointNotFoundError(thread_id, id);
  }
}

/** Reads and changes the state of threads through their graphs. */
@Injectable()
export class GraphStateService {
  constructor(
    private readonly graphs: GraphRegistry,
    private readonly sql: Sql,
  ) {}

  getState(owner: StateOwner, at: CheckpointReference, subgraphs: boolean): Promise<ThreadState> {
    return this.readState(owner, at, { subgraphs });
  }

  /** Nothing is read that `select` leaves out. */
  async getSelected(owner: StateOwner, at: CheckpointReference, options: StateOptions): Promise<Partial<ThreadState>> {
    return selectState(await this.readState(owner, at, options), options.select);
  }

  /**
   * The state that a run left: that of the last checkpoint it wrote. Undefined when it wrote none. As long as that is the
   * newest one of the thread, tasks that are done but not committed count.
   */
  async getFinalState(owner: StateOwner, run_id: string): Promise<GraphState | undefined> {
    const { rows } = await this.sql.query<{ checkpoint_id: string; is_newest: boolean }>(LAST_CHECKPOINT_OF_RUN, [
      owner.thread_id,
      run_id,
    ]);
    if (rows.length === 0) {
      return undefined;
    }
    const [{ checkpoint_id, is_newest }] = rows;
    const config = configOf(owner, is_newest ? {} : { checkpoint_id });
    const graph = await this.graphs.get(owner.graph_id, config, 'threads.read', new PostgresCheckpointer(this.sql));
    return graph.getState(config);
  }

  /** Newest first. Nothing is read that `select` leaves out, and no more at once than is asked for. */
  async *getHistory(
    owner: StateOwner,
    at: CheckpointReference,
    { select, ...options }: HistoryOptions & Pick<StateOptions, 'select'>,
  ): AsyncGenerator<Partial<ThreadState>> {
    const config = configOf(owner, at);
    const graph = await this.graphFor(owner, config, at, { select, subgraphs: false });
    for await (const state of graph.getStateHistory(config, options)) {
      yield selectState(toThreadState(state), select);
    }
  }

  /** Computes a change of the state. The graph's own code runs here, so no transaction may be open. */
  async draftUpdate(
    owner: StateOwner,
    { values, as_node, checkpoint = {}, metadata }: StateUpdate,
  ): Promise<StateDraft> {
    await assertCheckpointExists(this.sql, owner.thread_id, checkpoint);
    const config: GraphConfig = { ...configOf(owner, checkpoint), metadata };
    const updates = Array.isArray(values) ? values : [values];
    if (updates.length === 0) {
      throw new InvalidStateUpdateError('values is an empty list');
    }
    return this.draft(owner, config, [
      { updates: updates.map((update: unknown) => ({ values: update, asNode: as_node })) },
    ]);
  }

  /** The same for a checkpoint for each superstep. */
  async draftSupersteps(
    owner: StateOwner,
    supersteps: readonly WireSuperstep[],
    metadata: Record<string, unknown>,
  ): Promise<StateDraft> {
    const given = await Promise.all(
      supersteps.map(async ({ updates }) => ({ updates: await Promise.all(updates.map(toUpdate)) })),
    );
    return this.draft(owner, { ...configOf(owner, {}), metadata }, given, MAX_SUPERSTEPS_BYTES);
  }

  private async readState(owner: StateOwner, at: CheckpointReference, options: StateOptions): Promise<ThreadState> {
    const config = configOf(owner, at);
    const graph = await this.graphFor(owner, config, at, options);
    const state = await (options.subgraphs ? closeRemoteGraphs(graph) : graph).getState(config, options);
    return hasCheckpoint(state) ? toThreadState(state) : emptyThreadState();
  }

  /** The graph with a checkpointer that reads as much as is needed for the selected fields. */
  private async graphFor(
    owner: StateOwner,
    config: GraphConfig,
    { checkpoint_ns = '' }: CheckpointReference,
    options: StateOptions,
  ): Promise<CompiledGraph> {
    const graph = await this.graphs.get(owner.graph_id, config, 'threads.read', new PostgresCheckpointer(this.sql));
    const part = await partAt(graph, checkpoint_ns);
    const only = neededParts(part, options.select, options.subgraphs);
    if (only) {
      graph.checkpointer = new PostgresCheckpointer(this.sql, undefined, only);
    }
    return graph;
  }

  private async draft(
    owner: StateOwner,
    config: GraphConfig,
    supersteps: Parameters<CompiledGraph['bulkUpdateState']>[1],
    maxBytes?: number,
  ): Promise<StateDraft> {
    const checkpointer = new DraftCheckpointer(this.sql, owner.thread_id, maxBytes);
    const graph = await this.graphs.get(owner.graph_id, config, 'threads.update', checkpointer);
    try {
      const checkpoint = await graph.bulkUpdateState(config, supersteps);
      const state = await graph.getState(configOf(owner, {}));
      return { checkpoint, state, write: (db) => checkpointer.write(db) };
    } catch (error) {
      throw InvalidStateUpdateError.from(error);
    }
  }
}

/** A command that resumes with null answers nothing here: a new thread has asked nothing. */
const toUpdate = async ({ values = null, command, as_node: asNode }: WireSuperstep['updates'][number]) => ({
  values: command ? await toCommand(command, () => Promise.resolve([])) : values,
  asNode,
});

/** The subgraph whose checkpoints have this namespace: `node:task_id`, levels joined by `|`. The graph itself if none. */
async function partAt(graph: CompiledGraph, checkpoint_ns: string): Promise<CompiledGraph> {
  const path = checkpoint_ns.split('|').map((level) => level.split(':')[0]);
  if (checkpoint_ns !== '' && graph.nodes) {
    for await (const [, subgraph] of graph.getSubgraphsAsync(path.join('|'), true)) {
      return subgraph;
    }
  }
  return graph;
}

/** False for the empty state of a thread that has no checkpoint. */
export const hasCheckpoint = ({ createdAt }: GraphState): boolean => createdAt !== undefined;

function configOf(
  owner: StateOwner,
  { checkpoint_ns = '', checkpoint_id, checkpoint_map }: CheckpointReference,
): GraphConfig {
  const config = toRunnableConfig(owner.config);
  return {
    ...config,
    configurable: {
      ...config.configurable,
      thread_id: owner.thread_id,
      checkpoint_ns,
      ...(checkpoint_id && { checkpoint_id }),
      ...(checkpoint_map && { checkpoint_map }),
    },
  };
}
