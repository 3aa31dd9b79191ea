import { existsSync } from 'node:fs';
import type { GraphSpec } from '../../config/index.js';
import { findExport, importSource, reasonOf } from '../../project-code/index.js';
import type { CompiledGraph, FactoryRuntime, GraphConfig } from './graph.js';
import { GraphLoadError } from './graph.errors.js';
import { allowBigIntInJson } from './json-bigint.js';
import { assertSharedVersions } from './shared-versions.js';

/** Returns the graph for one call: always the same one, or a new one from the user's factory. */
export type GraphSource = (config: GraphConfig, runtime: FactoryRuntime) => Promise<CompiledGraph>;

/** By graph id. Every graph is in exactly one of the two maps. */
export interface LoadedGraphs {
  sources: Map<string, GraphSource>;
  failures: Map<string, GraphLoadError>;
}

/**
/**
 * Loads graphs from their source files into a generation of modules, so that a reload never sees stale code. Older
 * generations stay in memory, because a run that started with one may still import parts of it.
 */
export class GraphLoader {
  constructor(
    private readonly specs: readonly GraphSpec[],
    private readonly project_directory: string,
  ) {}

  /** A graph that fails to load does not affect the others. */
  async load(generation: number): Promise<LoadedGraphs> {
    allowBigIntInJson();
    const loaded: LoadedGraphs = { sources: new Map(), failures: new Map() };
    for (const spec of this.specs) {
      try {
        loaded.sources.set(spec.graph_id, await this.loadGraph(spec, generation));
      } catch (error) {
        loaded.failures.set(spec.graph_id, this.toLoadError(spec, error));
      }
    }
    return loaded;
  }

  private async loadGraph({ file, export_name }: GraphSpec, generation: number): Promise<GraphSource> {
    if (existsSync(file)) {
      assertSharedVersions(file);
    }
    const module = await importSource(file, generation);
    return toSource(await findExport(module, export_name));
  }

  private toLoadError({ graph_id, file, export_name }: GraphSpec, error: unknown): GraphLoadError {
    return new GraphLoadError(graph_id, `${file}:${export_name}`, reasonOf(error, this.project_directory), error);
  }
}

/** Accepts a graph, a builder, or a factory of either; a factory is called for each use. */
function toSource(exported: unknown): GraphSource {
  if (typeof exported === 'function') {
    const factory = exported as (config: GraphConfig, runtime: FactoryRuntime) => unknown;
    return async (config, runtime) => toGraph(await factory(config, runtime));
  }
  const graph = toGraph(exported);
  return () => Promise.resolve(graph);
}

function toGraph(value: unknown): CompiledGraph {
  const candidate = value as { withConfig?: unknown; streamMode?: unknown; compile?: unknown; graph?: unknown } | null;
  if (typeof candidate !== 'object' || candidate === null) {
    throw new Error(`expected a graph, a builder or a factory, got ${value === null ? 'null' : typeof value}`);
  }
  if (typeof candidate.withConfig === 'function' && candidate.streamMode !== undefined) {
    return candidate as unknown as CompiledGraph;
  }
  if (typeof candidate.compile === 'function') {
    return (candidate.compile as () => CompiledGraph).call(candidate);
  }
  // Agents of the `langchain` package wrap the actual graph.
  if (typeof candidate.graph === 'object' && candidate.graph !== null) {
    return toGraph(candidate.graph);
  }
  throw new Error('expected a graph, a builder or a factory, got an unsupported object');
}
