import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type GraphSpec, type NestgraphConfig } from '../../config/index.js';
import { GraphRegistry } from '../graphs/graph-registry.js';
import type { SourceSchemas } from './source/analyse.js';
import { AnalysisThread } from './source/analysis-thread.js';

/** Delay before a failed analysis may be retried: the machine may have been busy. */
const RETRY_DELAY_MS = 60_000;

/** Derives schemas from the types in the sources of the graphs, on first use. Cached until the graphs are reloaded. */
@Injectable()
export class SourceAnalyses implements OnApplicationShutdown {
  private readonly logger = new Logger('Schemas');
  private readonly thread: AnalysisThread;
  /** By generation of the registry, then by graph. */
  private readonly known = new WeakMap<object, Map<string, Promise<SourceSchemas[]>>>();

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
  ) {
    this.thread = new AnalysisThread(config.schema_timeout_ms);
  }

  /** By now no request waits for an analysis. */
  onApplicationShutdown(): Promise<void> {
    return this.thread.stop();
  }

  /** The schemas of the graph and its subgraphs. Empty, with a log entry, when the source cannot be analysed. */
  of(graph_id: string): Promise<SourceSchemas[]> {
    const analyses = this.ofThisLoad();
    const analysis = analyses.get(graph_id) ?? this.analyse(graph_id, analyses);
    analyses.set(graph_id, analysis);
    return analysis;
  }

  private ofThisLoad(): Map<string, Promise<SourceSchemas[]>> {
    const { generation } = this.graphs;
    const analyses = this.known.get(generation) ?? new Map<string, Promise<SourceSchemas[]>>();
    this.known.set(generation, analyses);
    return analyses;
  }

  private async analyse(graph_id: string, analyses: Map<string, unknown>): Promise<SourceSchemas[]> {
    const spec: GraphSpec = this.config.graphs.find((graph) => graph.graph_id === graph_id)!;
    const begin = performance.now();
    try {
      const { schemas, warnings } = await this.thread.analyse({ file: spec.file, export_name: spec.export_name });
      warnings.forEach((warning) => this.logger.warn(`Graph "${graph_id}": ${warning}`));
      this.logger.debug(`Analysed the source of "${graph_id}" in ${Math.round(performance.now() - begin)} ms`);
      return schemas;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn(`The schemas of graph "${graph_id}" cannot be derived from ${spec.file}: ${reason}`);
      setTimeout(() => analyses.delete(graph_id), RETRY_DELAY_MS).unref();
      return [];
    }
  }
}
