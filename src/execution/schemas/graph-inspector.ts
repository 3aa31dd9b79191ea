import { Injectable, Logger } from '@nestjs/common';
import type { CompiledGraph, DrawnGraph, GraphConfig } from '../graphs/graph.js';
import { GraphNotFoundError, GraphNotLoadedError } from '../graphs/graph.errors.js';
import { GraphRegistry } from '../graphs/graph-registry.js';
import { collapseRemoteGraphs } from '../graphs/remote-graphs.js';
import { combineSchemas, type GraphSchemas } from './graph-schemas.js';
import { GraphNotBuiltError, GraphNotDrawnError } from './inspection.errors.js';
import { channelSchemas, runtimeSchemas } from './runtime-schemas.js';
import type { SourceSchemas } from './source/analyse.js';
import { SourceAnalyses } from './source-analyses.js';

/** A graph with the config of its assistant: a factory may return another graph for each config. */
export interface InspectedGraph {
  graph_id: string;
  config: GraphConfig;
}

/** Selects the subgraph of one namespace, or all; with `recurse` also nested ones. */
export interface SubgraphSelection {
  namespace?: string;
  recurse: boolean;
}

/** Inspects graphs without running them: drawing, schemas and subgraphs (docs/decisions/0014-schemas.md). */
@Injectable()
export class GraphInspector {
  private readonly logger = new Logger('Schemas');

  constructor(
    private readonly graphs: GraphRegistry,
    private readonly sources: SourceAnalyses,
  ) {}

  /** `xray` expands subgraphs: all, or down to that depth. */
  async draw(inspected: InspectedGraph, xray: boolean | number): Promise<DrawnGraph> {
    const graph = await this.build(inspected);
    try {
      const drawable = xray ? collapseRemoteGraphs(graph) : graph;
      return (await drawable.getGraphAsync({ ...inspected.config, xray })).toJSON();
    } catch (error) {
      throw new GraphNotDrawnError(inspected.graph_id, error);
    }
  }

  async getSchemas(inspected: InspectedGraph): Promise<GraphSchemas> {
    const graph = await this.build(inspected);
    return this.schemasOf(inspected.graph_id, '', graph);
  }

  /** By namespace, parents first: the subgraphs that LangGraph knows, and those that nodes call in their source. */
  async getSubgraphs(inspected: InspectedGraph, selection: SubgraphSelection): Promise<Record<string, GraphSchemas>> {
    const { graph_id } = inspected;
    const graphs = new Map<string, CompiledGraph | undefined>();
    for await (const [namespace, graph] of subgraphsOf(await this.build(inspected))) {
      graphs.set(namespace, graph);
    }
    for (const { namespace } of await this.sources.of(graph_id)) {
      if (namespace !== '' && !graphs.has(namespace)) {
        graphs.set(namespace, undefined);
      }
    }
    const selected = [...graphs].filter(([namespace]) => isSelected(namespace, selection)).sort(byDepth);
    const entries = selected.map(async ([namespace, graph]) => [
      namespace,
      await this.schemasOf(graph_id, namespace, graph),
    ]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, GraphSchemas>;
  }

  private async build({ graph_id, config }: InspectedGraph): Promise<CompiledGraph> {
    try {
      return await this.graphs.get(graph_id, config, 'assistants.read');
    } catch (error) {
      const isMissing = error instanceof GraphNotFoundError || error instanceof GraphNotLoadedError;
      throw isMissing ? error : new GraphNotBuiltError(graph_id, error);
    }
  }

  /** `graph` is undefined when only the source shows it. The source is analysed only if the graph lacks a schema. */
  private async schemasOf(
    graph_id: string,
    namespace: string,
    graph: CompiledGraph | undefined,
  ): Promise<GraphSchemas> {
    const own = graph
      ? runtimeSchemas(graph, (problem) => this.logger.debug(`Schema of graph "${graph_id}" ${problem}`))
      : {};
    if (own.state && own.input && own.output) {
      return combineSchemas(own);
    }
    const here = (await this.sources.of(graph_id)).filter((schemas) => schemas.namespace === namespace);
    const channels = graph ? channelSchemas(graph) : {};
    return combineSchemas(own, closest(here, channels.state?.properties), channels);
  }
}

/** LangGraph's own recursion fails at a remote graph. Here a remote graph is a leaf. */
async function* subgraphsOf(
  graph: CompiledGraph,
  path = '',
): AsyncGenerator<[namespace: string, graph: CompiledGraph]> {
  for await (const [name, subgraph] of graph.getSubgraphsAsync()) {
    yield [path + name, subgraph];
    if (subgraph.nodes) {
      yield* subgraphsOf(subgraph, `${path}${name}|`);
    }
  }
}

/** For a factory of several graphs: the candidate whose state shares the most channels with the graph it returned. */
function closest(candidates: SourceSchemas[], channels: unknown = {}): Partial<SourceSchemas> {
  const names = Object.keys(channels as object);
  const score = ({ state }: SourceSchemas): number => {
    const properties = Object.keys(state?.properties ?? {});
    const common = properties.filter((name) => names.includes(name)).length;
    return 2 * common - properties.length;
  };
  return (
    candidates.reduce<SourceSchemas | undefined>(
      (best, candidate) => (best && score(best) >= score(candidate) ? best : candidate),
      undefined,
    ) ?? {}
  );
}

const depthOf = (namespace: string): number => namespace.split('|').length;

const byDepth = ([a]: [string, unknown], [b]: [string, unknown]): number => depthOf(a) - depthOf(b);

/** Like LangGraph's `getSubgraphs`, a nested namespace requires `recurse`. */
const isSelected = (namespace: string, { namespace: requested, recurse }: SubgraphSelection): boolean =>
  (requested === undefined || requested === namespace) && (recurse || depthOf(namespace) === 1);
