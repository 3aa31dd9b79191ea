import { readField } from '../../common/index.js';
import { type CompiledGraph, type GraphState, UnreadState } from './graph.js';

/**
 * A view of a graph in which graphs on other servers (`RemoteGraph`) are closed: drawn as one node, where LangGraph would
 * throw, and with an {@link UnreadState} where their server refuses to give a state. The graph itself stays as it is.
 */
export function closeRemoteGraphs(graph: CompiledGraph): CompiledGraph {
  const view = graph.withConfig({});
  view.checkpointer = graph.checkpointer;
  view.store = graph.store;
  view.getSubgraphsAsync = async function* (...selection) {
    for await (const [name, subgraph] of graph.getSubgraphsAsync(...selection)) {
      yield [name, isRemote(subgraph) ? withUnreadState(subgraph) : closeRemoteGraphs(subgraph)];
    }
  };
  if (graph.builder?.nodes) {
    const nodes = Object.entries(graph.builder.nodes).map(([name, node]) => [name, drawnAsOneNode(node)]);
    view.builder = viewOf(graph.builder, { nodes: Object.fromEntries(nodes) as typeof graph.builder.nodes });
  }
  return view;
}

interface BuilderNode {
  runnable?: unknown;
}

const isRemote = (graph: unknown): boolean =>
  readField(graph, 'lg_is_pregel') === true && readField(graph, 'nodes') === undefined;

/** Any other runnable draws itself as one node: `RemoteGraph` is given the method that it has replaced by one that throws. */
function drawnAsOneNode(node: BuilderNode): BuilderNode {
  const { runnable } = node;
  if (!isRemote(runnable)) {
    return node;
  }
  const { getGraph } = Object.getPrototypeOf(Object.getPrototypeOf(runnable)) as { getGraph: unknown };
  return viewOf(node, { runnable: viewOf(runnable as object, { getGraph }) });
}

const withUnreadState = (graph: CompiledGraph): CompiledGraph =>
  viewOf(graph, {
    getState: (...selection) =>
      graph.getState(...selection).catch((error: unknown) => {
        const message = readField(error, 'message');
        return new UnreadState(typeof message === 'string' ? message : String(error)) as unknown as GraphState;
      }),
  });

const viewOf = <T extends object>(original: T, changes: Partial<T> | Record<string, unknown>): T =>
  Object.assign(Object.create(original) as T, changes);
