import { describeError, readField, toWireJson } from '../../common/index.js';
import type { Emit } from './stream-mode.js';

/** LangGraph's tag on the run of a node. */
const NODE_TAG = 'graph:step:';

/** A LangChain run that contains others: a graph, a node or a tool. */
interface Running {
  parent?: string;
  tool_call_id?: string;
  /** The path of the subgraph, once the run is known to be one. */
  namespace?: string[];
}

type Outcome = 'completed' | 'failed' | 'interrupted';

/**
 * Emits the events of mode `lifecycle`: one when a subgraph starts and one when it ends, named after its path, with the id
 * of the tool call that started it. It is a LangChain callback handler: callbacks report every run and its parent. A run
 * is known to be a subgraph when its first node starts.
 */
export class SubgraphLifecycle {
  readonly name = 'nestgraph_lifecycle';
  /** The graph waits for this handler, so that all events of the subgraph lie between its start and its end. */
  readonly awaitHandlers = true;
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly caughtUp: () => Promise<void>,
    private readonly emit: Emit,
  ) {}

  async handleChainStart(
    _chain: unknown,
    _input: unknown,
    run_id: string,
    parent?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
  ): Promise<void> {
    this.running.set(run_id, { parent });
    const graph = this.running.get(parent ?? '');
    if (graph && !graph.namespace && tags?.some((tag) => tag.startsWith(NODE_TAG))) {
      graph.namespace = pathOf(metadata);
      await this.report('started', graph);
    }
  }

  handleToolStart(
    _tool: unknown,
    _input: string,
    run_id: string,
    parent?: string,
    _tags?: string[],
    _metadata?: Record<string, unknown>,
    _name?: string,
    tool_call_id?: string,
  ): void {
    this.running.set(run_id, { parent, tool_call_id });
  }

  handleChainEnd(_output: unknown, run_id: string): Promise<void> {
    return this.end(run_id, 'completed');
  }

  handleChainError(error: unknown, run_id: string): Promise<void> {
    const outcome = outcomeOf(error);
    return this.end(run_id, outcome, outcome === 'failed' ? error : undefined);
  }

  handleToolEnd(_output: unknown, run_id: string): void {
    this.running.delete(run_id);
  }

  handleToolError(_error: unknown, run_id: string): void {
    this.running.delete(run_id);
  }

  private async end(run_id: string, outcome: Outcome, error?: unknown): Promise<void> {
    const run = this.running.get(run_id);
    this.running.delete(run_id);
    if (run?.namespace) {
      await this.report(outcome, run, error);
    }
  }

  private async report(event: Outcome | 'started', graph: Running, error?: unknown): Promise<void> {
    const { namespace = [] } = graph;
    if (namespace.length === 0) {
      return;
    }
    const tool_call_id = this.toolCallOf(graph);
    await this.caughtUp();
    const data = { event, namespace, ...(tool_call_id && { tool_call_id }), ...(error !== undefined && { error: describeError(error) }) }; // prettier-ignore
    this.emit(`lifecycle|${namespace.join('|')}`, toWireJson(data));
  }

  /** The tool call that started the subgraph: the nearest one outside of it, but inside of its parent graph. */
  private toolCallOf({ parent }: Running): string | undefined {
    const around = this.running.get(parent ?? '');
    return around && !around.namespace ? (around.tool_call_id ?? this.toolCallOf(around)) : undefined;
  }
}

/** The path of the graph that contains a node. */
function pathOf(metadata: Record<string, unknown> = {}): string[] {
  const { langgraph_checkpoint_ns: path } = metadata;
  return typeof path === 'string' ? path.split('|').slice(0, -1) : [];
}

/** An interrupt or a cancelled run interrupts a subgraph; a command to the parent graph completes it. */
function outcomeOf(error: unknown): Outcome {
  const isAborted = readField(error, 'name') === 'AbortError';
  if (readField(error, 'is_bubble_up') !== true && !isAborted) {
    return 'failed';
  }
  return isAborted || readField(error, 'interrupts') !== undefined ? 'interrupted' : 'completed';
}
