import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { withDeadline } from '../../common/index.js';
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
  private readonly thread = new AnalysisThread();
  /** By generation of the registry, then by graph. */
  private readonly known = new WeakMap<object, Map<string, Promise<SourceSchemas[]>>>();

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
  ) {}

  /** By now no request waits for an analysis. */
  onApplicationShutdown(): Promise<void> {
    return this.thread.stop();
  }

  /**
   * The schemas of the graph and its subgraphs. Empty, with a log entry, when the source cannot be analysed or the
   * analysis exceeds the timeout of a request. A slow analysis continues, and later requests get its result.
   */
  of(graph_id: string): Promise<SourceSchemas[]> {
    const analyses = this.ofThisLoad();
    const analysis = analyses.get(graph_id) ?? this.analyse(graph_id, analyses);
    analyses.set(graph_id, analysis);
    // It never rejects: what is caught is the deadline.
    return withDeadline(this.config.schema_timeout_ms, analysis, () => new Error('deadline')).catch(() => []);
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
    const { schema_timeout_ms } = this.config;
    const slow = setTimeout(() => {
      this.logger.warn(
        `Deriving the schemas of graph "${graph_id}" from ${spec.file} takes longer than ${schema_timeout_ms} ms; ` +
          'until it is done, requests get the names of its channels',
      );
    }, schema_timeout_ms).unref();
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
    } finally {
      clearTimeout(slow);
    }
  }
}
