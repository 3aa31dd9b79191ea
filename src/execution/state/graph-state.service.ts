import { Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import { DraftCheckpointer } from '../checkpoints/draft-checkpointer.js';
import { PostgresCheckpointer } from '../checkpoints/postgres-checkpointer.js';
import { FIND_CHECKPOINT, LAST_CHECKPOINT_OF_RUN } from '../checkpoints/checkpoint-sql.js';
import type { CheckpointConfig, CompiledGraph, GraphConfig, GraphState, HistoryOptions } from '../graphs/graph.js';
import { GraphRegistry } from '../graphs/graph-registry.js';
import { collapseRemoteGraphs } from '../graphs/remote-graphs.js';
import { toCommand, type WireCommand } from '../runner/command.js';
import { toRunnableConfig } from '../runner/runnable-config.js';
import { neededParts, selectState } from './select-state.js';
import { emptyThreadState, type ThreadState, toThreadState } from './thread-state.dto.js';
import { CheckpointNotFoundError, InvalidStateUpdateError } from './state.errors.js';

/** The thread whose state it is, with its graph and the config of its last run. */
export interface StateOwner {
  thread_id: string;
  graph_id: string;
  config: Record<string, unknown>;
}

/** Refers to a checkpoint; if empty, to the newest one of the root graph. */
export interface CheckpointReference {
  checkpoint_ns?: string;
  checkpoint_id?: string;
  checkpoint_map?: Record<string, string>;
}

/** Which parts of a state are requested. */
export interface StateOptions {
  /** Includes the state of subgraphs in their tasks. */
  subgraphs: boolean;
  /** Only these fields, see {@link selectState}; absent: all. */
  select?: readonly string[];
}

/** A state update by a client. */
export interface StateUpdate {
  /** One update, several, or null for a node that returned nothing. */
  values: unknown;
  as_node?: string;
  checkpoint?: CheckpointReference;
  /** Added to the metadata of the new checkpoint. */
  metadata?: Record<string, unknown>;
}

/** A state update that is computed but not yet written. */
export interface StateDraft {
  /** The reference of its last checkpoint. */
  checkpoint: CheckpointConfig;
  /** The newest state of the thread once it is written. */
  state: GraphState;
  /**
   * Writes its checkpoints in the caller's transaction, which has locked the thread. Writes nothing and returns false when
   * the thread's checkpoints have changed since the update was computed.
   */
  write(db: Queryable): Promise<boolean>;
}

/** The updates of one superstep, in wire format. */
export interface WireSuperstep {
  updates: readonly { values?: unknown; command?: WireCommand; as_node: string }[];
}

/**
 * Limit for the checkpoints of one request. Each checkpoint contains every changed channel as a whole, so a body of a
 * megabyte could expand to gigabytes.
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
  // In `configurable` a client can send any JSON, including strings with NUL, which PostgreSQL rejects.
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

  /** Reads only what `select` needs. */
  async getSelected(owner: StateOwner, at: CheckpointReference, options: StateOptions): Promise<Partial<ThreadState>> {
    return selectState(await this.readState(owner, at, options), options.select);
  }

  /**
   * The state at the last checkpoint that a run wrote. Undefined when it wrote none. While that checkpoint is the newest
   * one of the thread, the state includes the pending writes of finished tasks.
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

  /** Newest first. Reads only what `select` needs, page by page as the caller iterates. */
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

  /** Computes a state update. This runs the graph's own code, so no transaction may be open. */
  async draftUpdate(
    owner: StateOwner,
    { values, as_node, checkpoint = {}, metadata }: StateUpdate,
  ): Promise<StateDraft> {
    await assertCheckpointExists(this.sql, owner.thread_id, checkpoint);
    const config: GraphConfig = { ...configOf(owner, checkpoint), metadata };
    const updates = Array.isArray(values) ? values : [values];
    if (updates.length === 0) {
      throw new InvalidStateUpdateError('values is an empty list. Send at least one update, or null');
    }
    return this.draft(owner, config, [
      { updates: updates.map((update: unknown) => ({ values: update, asNode: as_node })) },
    ]);
  }

  /** Like {@link draftUpdate}, with one checkpoint per superstep. */
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
    const state = await (options.subgraphs ? collapseRemoteGraphs(graph) : graph).getState(config, options);
    return hasCheckpoint(state) ? toThreadState(state) : emptyThreadState();
  }

  /** The graph, with a checkpointer that reads only what the selected fields need. */
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

/** A new thread has no pending interrupts, so a command with `resume: null` resumes none. */
const toUpdate = async ({ values = null, command, as_node: asNode }: WireSuperstep['updates'][number]) => ({
  values: command ? await toCommand(command, () => Promise.resolve([])) : values,
  asNode,
});

/** The subgraph of a checkpoint namespace (`node:task_id`, levels joined by `|`), or the graph itself if there is none. */
async function partAt(graph: CompiledGraph, checkpoint_ns: string): Promise<CompiledGraph> {
  const path = checkpoint_ns.split('|').map((level) => level.split(':')[0]);
  if (checkpoint_ns !== '' && graph.nodes) {
    for await (const [, subgraph] of graph.getSubgraphsAsync(path.join('|'), true)) {
      return subgraph;
    }
  }
  return graph;
}

/** False for the empty state of a thread without checkpoints. */
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
