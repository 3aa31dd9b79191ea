import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type BaseCheckpointSaver, BaseStore } from '@langchain/langgraph';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import type { CompiledGraph, GraphConfig } from './graph.js';
import { GraphNotFoundError } from './graph.errors.js';
import { GraphLoader, type LoadedGraphs } from './graph-loader.js';

/** The graphs of langgraph.json, loaded and ready to be called. */
@Injectable()
export class GraphRegistry implements OnApplicationShutdown {
  private readonly loader: GraphLoader;
  private loaded: LoadedGraphs = { sources: new Map(), inputs: [] };

  constructor(
    @Inject(CONFIG) config: NestgraphConfig,
    private readonly store: BaseStore,
  ) {
    this.loader = new GraphLoader(config.graphs, config.project_directory);
  }

  /** Loads all graphs anew. When one fails, the graphs loaded before stay in use. */
  async load(): Promise<void> {
    this.loaded = await this.loader.load();
  }

  /** Nothing runs any more: the compiled sources are removed. */
  onApplicationShutdown(): Promise<void> {
    return this.loader.clean();
  }

  get ids(): string[] {
    return [...this.loaded.sources.keys()];
  }

  /** Another object each time the graphs are loaded: what is derived from them can be kept by it. */
  get generation(): object {
    return this.loaded;
  }

  /** The source files of all graphs. */
  get inputs(): string[] {
    return this.loaded.inputs;
  }

  has(graph_id: string): boolean {
    return this.loaded.sources.has(graph_id);
  }

  /** Throws {@link GraphNotFoundError}. */
  assertExists(graph_id: string): void {
    if (!this.has(graph_id)) {
      throw new GraphNotFoundError(graph_id, this.ids);
    }
  }

  /**
   * A graph for one call, with its own checkpointer: setting it on the shared object would let calls that run at the
   * same time take each other's. The store takes the place of one that the graph was compiled with. Factories are called
   * with `config`.
   */
  async get(graph_id: string, config: GraphConfig, checkpointer?: BaseCheckpointSaver): Promise<CompiledGraph> {
    const source = this.loaded.sources.get(graph_id);
    if (!source) {
      throw new GraphNotFoundError(graph_id, this.ids);
    }
    const graph = (await source(config)).withConfig({});
    graph.checkpointer = checkpointer;
    graph.store = this.store;
    return graph;
  }
}
