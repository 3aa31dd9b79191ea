import { readField } from '../../common/index.js';
import { type CompiledGraph, type GraphState, UnavailableState } from './graph.js';

/**
 * Returns a view of a graph in which every `RemoteGraph` is collapsed. It is drawn as one node, where LangGraph would
 * throw. If its server does not return its state, the state is an {@link UnavailableState}. The graph is not changed.
 */
export function collapseRemoteGraphs(graph: CompiledGraph): CompiledGraph {
  const view = graph.withConfig({});
  view.checkpointer = graph.checkpointer;
  view.store = graph.store;
  view.getSubgraphsAsync = async function* (...selection) {
    for await (const [name, subgraph] of graph.getSubgraphsAsync(...selection)) {
      yield [name, isRemote(subgraph) ? withStateErrors(subgraph) : collapseRemoteGraphs(subgraph)];
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

/** A runnable is drawn as one node by default. This restores the default method, which `RemoteGraph` overrides to throw. */
function drawnAsOneNode(node: BuilderNode): BuilderNode {
  const { runnable } = node;
  if (!isRemote(runnable)) {
    return node;
  }
  const { getGraph } = Object.getPrototypeOf(Object.getPrototypeOf(runnable)) as { getGraph: unknown };
  return viewOf(node, { runnable: viewOf(runnable as object, { getGraph }) });
}

const withStateErrors = (graph: CompiledGraph): CompiledGraph =>
  viewOf(graph, {
    getState: (...selection) =>
      graph.getState(...selection).catch((error: unknown) => {
        const message = readField(error, 'message');
        return new UnavailableState(typeof message === 'string' ? message : String(error)) as unknown as GraphState;
      }),
  });

const viewOf = <T extends object>(original: T, changes: Partial<T> | Record<string, unknown>): T =>
  Object.assign(Object.create(original) as T, changes);
