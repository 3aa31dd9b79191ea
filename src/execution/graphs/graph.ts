import type { BaseCheckpointSaver, BaseStore } from '@langchain/langgraph';

/** The settings of one call, as the runnable interface of LangChain wants them. */
export interface GraphConfig {
  configurable?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  tags?: string[];
  recursionLimit?: number;
  [key: string]: unknown;
}

/** What a graph is asked for. */
export type AccessContext = 'threads.create_run' | 'threads.update' | 'threads.read' | 'assistants.read';

/** The second argument of a factory, as the official server passes it: `executionRuntime` is null unless a run begins. */
export interface FactoryRuntime {
  accessContext: AccessContext;
  executionRuntime: { context: unknown } | null;
}

/** A checkpoint reference as LangGraph passes it around. */
export interface CheckpointConfig {
  configurable?: {
    thread_id?: string;
    checkpoint_ns?: string;
    checkpoint_id?: string;
    checkpoint_map?: Record<string, string>;
    [key: string]: unknown;
  };
}

/** An interrupt that waits for an answer. */
export interface GraphInterrupt {
  id?: string;
  value?: unknown;
  [key: string]: unknown;
}

/** A task of a {@link GraphState}. */
export interface GraphTask {
  id: string;
  name: string;
  path?: unknown[];
  error?: unknown;
  interrupts: GraphInterrupt[];
  /** A reference to a subgraph's checkpoint, or its whole state when subgraphs were asked for. */
  state?: CheckpointConfig | GraphState | UnreadState;
  result?: unknown;
}

/** In place of the state of a graph on another server, when that server does not give it. */
export class UnreadState {
  constructor(readonly reason: string) {}
}

/** What LangGraph calls a state snapshot. */
export interface GraphState {
  values: unknown;
  next: string[];
  tasks: GraphTask[];
  metadata?: Record<string, unknown>;
  config: CheckpointConfig;
  createdAt?: string;
  parentConfig?: CheckpointConfig;
}

/** The part of LangGraph's compiled graph that this server uses. */
export interface CompiledGraph {
  checkpointer?: BaseCheckpointSaver | boolean;
  store?: BaseStore;
  /** What its caller gets of the state: one channel, or the names of several. */
  outputChannels: string | string[];
  /** What is streamed of the state: all of its channels, unless the graph says otherwise. */
  streamChannels?: string | string[];
  /** Absent in graphs on another server. */
  nodes?: Record<string, GraphNode>;
  /** Absent in workflows of the functional API. */
  builder?: GraphBuilder;
  withConfig(config: GraphConfig): CompiledGraph;
  stream(input: unknown, config: GraphConfig): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: GraphConfig): AsyncIterable<GraphRunEvent>;
  getState(config: GraphConfig, options?: { subgraphs?: boolean }): Promise<GraphState>;
  bulkUpdateState(config: GraphConfig, supersteps: Superstep[]): Promise<CheckpointConfig>;
  getStateHistory(config: GraphConfig, options?: HistoryOptions): AsyncIterable<GraphState>;
  getGraphAsync(config: GraphConfig & { xray: boolean | number }): Promise<{ toJSON(): DrawnGraph }>;
  /** Those of its own nodes; with a namespace like `parent|child`, and `recurse`, the one that is there. */
  getSubgraphsAsync(namespace?: string, recurse?: boolean): AsyncIterable<[name: string, graph: CompiledGraph]>;
}

/** A node, as far as its place in the graph goes. */
export interface GraphNode {
  /** Channels whose change makes it run. */
  triggers: string[];
  /** Channels that it reads: by the names it knows them by, or the first of several that has a value. */
  channels: string[] | Record<string, string>;
}

/** What a graph was compiled from. */
export interface GraphBuilder {
  /** A StateSchema or a Zod object; absent when the state is made of annotations. */
  _schemaRuntimeDefinition?: object;
  /** The same of input and output; a symbol stands for the state. */
  _inputRuntimeDefinition?: object | symbol;
  _outputRuntimeDefinition?: object;
  /** The channels of input and output. */
  _inputDefinition?: object;
  _outputDefinition?: object;
  /** What its nodes call. */
  nodes?: Record<string, { runnable?: unknown }>;
}

/** A graph as LangChain draws it. */
export interface DrawnGraph {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

export interface DrawnNode {
  /** A number when the node has no name. */
  id: string | number;
  type: 'schema' | 'runnable';
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

export interface DrawnEdge {
  source: string | number;
  target: string | number;
  /** The answer of the router that leads this way, when it is not the name of the target. */
  data?: string;
  conditional?: boolean;
}

/** Updates that are applied together. */
export interface Superstep {
  updates: { values: unknown; asNode?: string }[];
}

/** A page of history. */
export interface HistoryOptions {
  limit?: number;
  before?: CheckpointConfig;
  filter?: Record<string, unknown>;
}

/** An event of LangChain's `streamEvents`. */
export interface GraphRunEvent {
  event: string;
  run_id: string;
  tags?: string[];
  data: { chunk?: unknown };
}
