import { describeError, readField, toWireJson } from '../../common/index.js';
import type { Emit } from './stream-mode.js';

/** LangGraph's tag on the run of a node. */
const NODE_TAG = 'graph:step:';

/** A run of LangChain that others are inside of: of a graph, a node, a tool. */
interface Running {
  parent?: string;
  tool_call_id?: string;
  /** Once it has turned out to be a subgraph's: its path. */
  namespace?: string[];
}

type HowItEnds = 'completed' | 'failed' | 'interrupted';

/**
 * The events of mode `lifecycle`: one when a subgraph starts and one when it ends, named after its path, with the id of the
 * tool call that has started it. A handler of LangChain's callbacks, which know of every run and of the one around it; that a
 * run is a subgraph's is known when its first node begins.
 */
export class SubgraphLifecycle {
  readonly name = 'nestgraph_lifecycle';
  /** The graph goes on when an event is out, so that events of the subgraph are between its start and its end. */
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
      await this.tell('started', graph);
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
    const how = howItEnds(error);
    return this.end(run_id, how, how === 'failed' ? error : undefined);
  }

  handleToolEnd(_output: unknown, run_id: string): void {
    this.running.delete(run_id);
  }

  handleToolError(_error: unknown, run_id: string): void {
    this.running.delete(run_id);
  }

  private async end(run_id: string, how: HowItEnds, error?: unknown): Promise<void> {
    const run = this.running.get(run_id);
    this.running.delete(run_id);
    if (run?.namespace) {
      await this.tell(how, run, error);
    }
  }

  private async tell(event: HowItEnds | 'started', graph: Running, error?: unknown): Promise<void> {
    const { namespace = [] } = graph;
    if (namespace.length === 0) {
      return;
    }
    const tool_call_id = this.toolCallOf(graph);
    await this.caughtUp();
    const data = { event, namespace, ...(tool_call_id && { tool_call_id }), ...(error !== undefined && { error: describeError(error) }) }; // prettier-ignore
    this.emit(`lifecycle|${namespace.join('|')}`, toWireJson(data));
  }

  /** Of the nearest run around it; a tool that the graph around it has called is not what has started it. */
  private toolCallOf({ parent }: Running): string | undefined {
    const around = this.running.get(parent ?? '');
    return around && !around.namespace ? (around.tool_call_id ?? this.toolCallOf(around)) : undefined;
  }
}

/** The path of the graph that a node is in. */
function pathOf(metadata: Record<string, unknown> = {}): string[] {
  const { langgraph_checkpoint_ns: path } = metadata;
  return typeof path === 'string' ? path.split('|').slice(0, -1) : [];
}

/** A question to the client stops a subgraph, and so does whoever cancels the run; a command to the graph above is its result. */
function howItEnds(error: unknown): HowItEnds {
  const isAborted = readField(error, 'name') === 'AbortError';
  if (readField(error, 'is_bubble_up') !== true && !isAborted) {
    return 'failed';
  }
  return isAborted || readField(error, 'interrupts') !== undefined ? 'interrupted' : 'completed';
}
