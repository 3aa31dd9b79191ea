import type { BaseCheckpointSaver, BaseStore } from '@langchain/langgraph';

/** The config of one call, as LangChain's Runnable interface takes it. */
export interface GraphConfig {
  configurable?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  tags?: string[];
  recursionLimit?: number;
  [key: string]: unknown;
}

/** Why a graph is requested. */
export type AccessContext = 'threads.create_run' | 'threads.update' | 'threads.read' | 'assistants.read';

/** The second argument of a factory, as the official server passes it: `executionRuntime` is null unless a run starts. */
export interface FactoryRuntime {
  accessContext: AccessContext;
  executionRuntime: { context: unknown } | null;
}

/** A checkpoint reference in LangGraph's form. */
export interface CheckpointConfig {
  configurable?: {
    thread_id?: string;
    checkpoint_ns?: string;
    checkpoint_id?: string;
    checkpoint_map?: Record<string, string>;
    [key: string]: unknown;
  };
}

/** A pending interrupt. */
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
  /** A reference to the subgraph's checkpoint, or its state when subgraphs were requested. */
  state?: CheckpointConfig | GraphState | UnavailableState;
  result?: unknown;
}

/** Replaces the state of a remote graph whose server does not return it. */
export class UnavailableState {
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
  /** The channels that a call returns: one, or a list. */
  outputChannels: string | string[];
  /** The channels that are streamed; all of them unless the graph selects some. */
  streamChannels?: string | string[];
  /** Absent in remote graphs. */
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
  /** The subgraphs of its own nodes; with `recurse`, the subgraph at a namespace like `parent|child`. */
  getSubgraphsAsync(namespace?: string, recurse?: boolean): AsyncIterable<[name: string, graph: CompiledGraph]>;
}

/** The part of a node that determines when it runs. */
export interface GraphNode {
  /** Channels whose changes trigger it. */
  triggers: string[];
  /** Channels that it reads: a record by local name, or a list of which the first with a value is read. */
  channels: string[] | Record<string, string>;
}

/** The builder that a graph was compiled from. */
export interface GraphBuilder {
  /** A StateSchema or a Zod object; absent when the state is defined by annotations. */
  _schemaRuntimeDefinition?: object;
  /** The same of input and output; a symbol stands for the state. */
  _inputRuntimeDefinition?: object | symbol;
  _outputRuntimeDefinition?: object;
  /** The channels of input and output. */
  _inputDefinition?: object;
  _outputDefinition?: object;
  /** The runnables of its nodes. */
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
  /** The router's result that selects this edge, when it is not the name of the target. */
  data?: string;
  conditional?: boolean;
}

/** Updates that are applied as one superstep. */
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
