import { Inject, Injectable, Logger } from '@nestjs/common';
import { type BaseCheckpointSaver, BaseStore } from '@langchain/langgraph';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import type { AccessContext, CompiledGraph, GraphConfig } from './graph.js';
import { GraphNotFoundError, GraphNotLoadedError } from './graph.errors.js';
import { GraphLoader, type GraphSource, type LoadedGraphs } from './graph-loader.js';

/** The loaded graphs of langgraph.json. */
@Injectable()
export class GraphRegistry {
  private readonly logger = new Logger('Graphs');
  private readonly loader: GraphLoader;
  private loaded: LoadedGraphs = { sources: new Map(), failures: new Map() };

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly store: BaseStore,
  ) {
    this.loader = new GraphLoader(config.graphs, config.project_directory);
  }

  /**
   * Loads all graphs in a generation of modules and returns the ids of those that loaded. A graph that fails keeps its
   * previously loaded version; without one its requests fail until it loads. Throws a GraphLoadError when
   * `skip_failed_graphs` is off.
   */
  async load(generation: number): Promise<string[]> {
    const { sources, failures } = await this.loader.load(generation);
    const loaded = [...sources.keys()];
    for (const [graph_id, failure] of failures) {
      if (!this.config.skip_failed_graphs) {
        throw failure;
      }
      const previous = this.loaded.sources.get(graph_id);
      if (previous) {
        sources.set(graph_id, previous);
      }
      const consequence = previous ? 'the previously loaded version stays in use' : 'its requests fail with 503';
      this.logger.error(`${failure.message}; ${consequence}`);
    }
    this.loaded = { sources, failures };
    return loaded;
  }

  /** In the order of langgraph.json, including graphs that failed to load. */
  get ids(): string[] {
    return this.config.graphs.map(({ graph_id }) => graph_id);
  }

  /** A new object for each load: a cache key for values derived from the graphs. */
  get generation(): object {
    return this.loaded;
  }

  has(graph_id: string): boolean {
    return this.ids.includes(graph_id);
  }

  /** Throws {@link GraphNotFoundError}, or {@link GraphNotLoadedError} for a graph that failed to load. */
  assertExists(graph_id: string): void {
    this.sourceOf(graph_id);
  }

  /**
   * Returns a graph for one call, with its own checkpointer: on the shared object, concurrent calls would overwrite each
   * other's. The server's store replaces the one that the graph was compiled with. Factories are called with `config` and
   * the access context.
   */
  async get(
    graph_id: string,
    config: GraphConfig,
    accessContext: AccessContext,
    checkpointer?: BaseCheckpointSaver,
  ): Promise<CompiledGraph> {
    const executionRuntime = accessContext === 'threads.create_run' ? { context: config.context } : null;
    const graph = (await this.sourceOf(graph_id)(config, { accessContext, executionRuntime })).withConfig({});
    graph.checkpointer = checkpointer;
    graph.store = this.store;
    return graph;
  }

  private sourceOf(graph_id: string): GraphSource {
    const source = this.loaded.sources.get(graph_id);
    if (source) {
      return source;
    }
    const failure = this.loaded.failures.get(graph_id);
    throw failure ? new GraphNotLoadedError(failure) : new GraphNotFoundError(graph_id, this.ids);
  }
}
