import { Module, type OnModuleInit } from '@nestjs/common';
import { shareLoggerWithGraphs } from '../observability/index.js';
import { StoreModule } from '../store/index.js';
import { GraphRegistry } from './graphs/graph-registry.js';
import { GraphWatcher } from './graphs/graph-watcher.js';
import { GraphInspector } from './schemas/graph-inspector.js';
import { SourceAnalyses } from './schemas/source-analyses.js';
import { GraphStateService } from './state/graph-state.service.js';

/**
 * Owns everything that touches a graph: loading, execution, state, checkpoints and schemas. Independent of HTTP and of
 * the run queue.
 */
@Module({
  imports: [StoreModule],
  providers: [GraphRegistry, GraphWatcher, GraphStateService, GraphInspector, SourceAnalyses],
  exports: [GraphRegistry, GraphStateService, GraphInspector],
})
export class ExecutionModule implements OnModuleInit {
  constructor(private readonly graphs: GraphRegistry) {}

  async onModuleInit(): Promise<void> {
    shareLoggerWithGraphs();
    await this.graphs.load();
  }
}
