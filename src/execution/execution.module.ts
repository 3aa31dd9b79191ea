import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { shareLoggerWithGraphs } from '../observability/index.js';
import { FIRST_GENERATION, SourceReloader } from '../project-code/index.js';
import { StoreModule } from '../store/index.js';
import { GraphRegistry } from './graphs/graph-registry.js';
import { GraphInspector } from './schemas/graph-inspector.js';
import { SourceAnalyses } from './schemas/source-analyses.js';
import { GraphStateService } from './state/graph-state.service.js';

/**
 * Owns everything that touches a graph: loading, execution, state, checkpoints and schemas. Independent of HTTP and of
 * the run queue.
 */
@Module({
  imports: [StoreModule],
  providers: [GraphRegistry, GraphStateService, GraphInspector, SourceAnalyses],
  exports: [GraphRegistry, GraphStateService, GraphInspector],
})
export class ExecutionModule implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
    private readonly sources: SourceReloader,
  ) {}

  async onModuleInit(): Promise<void> {
    shareLoggerWithGraphs();
    await this.graphs.load(FIRST_GENERATION);
    this.sources.addPart({
      files: this.config.graphs.map(({ file }) => file),
      // Runs that have begun keep the graph that they began with.
      reload: (generation) => this.graphs.load(generation),
    });
  }
}
