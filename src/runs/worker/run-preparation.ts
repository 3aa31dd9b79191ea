import { Inject, Injectable } from '@nestjs/common';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import {
  DiscardingCheckpointer,
  type GraphConfig,
  type GraphExecution,
  GraphRegistry,
  RunCheckpointer,
} from '../../execution/index.js';
import { LangSmith } from '../../observability/index.js';
import type { RunStream } from '../../streams/index.js';
import { RunClaims } from '../queue/run-claims.js';
import type { ActiveRun } from './active-run.js';
import { type Attempt, hasEarlierCheckpoints, isAtBreakpoint, newExecution } from './attempt.js';
import { readinessOf } from './readiness.js';
import { retryOnOutage } from './retry-on-outage.js';
import { runnableConfigOf } from './run-config.js';

/** The first part of an execution: loads the graph of a run and decides where it starts. */
@Injectable()
export class RunPreparation {
  constructor(
    private readonly graphs: GraphRegistry,
    private readonly claims: RunClaims,
    private readonly langsmith: LangSmith,
    private readonly sql: Sql,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** An attempt without a graph. */
  begin(active: ActiveRun, stream: RunStream): Attempt {
    return { active, stream, checkpointer: this.checkpointerOf(active), config: this.configOf(active) };
  }

  /**
   * Completes the attempt, with the code of the graph's factory. Returns the execution; undefined when an earlier
   * attempt has reached a breakpoint, so that nothing is left to execute.
   */
  async prepare(attempt: Attempt): Promise<GraphExecution | undefined> {
    const { active, stream, checkpointer, config } = attempt;
    const { run } = active;
    if (run.stamps_thread) {
      await retryOnOutage(this.config, () => this.claims.stampThread(run));
    }
    const graph_id = String(config.configurable?.graph_id);
    const graph = await this.graphs.get(graph_id, config, 'threads.create_run', checkpointer);
    attempt.graph = graph;
    const resumes = checkpointer instanceof RunCheckpointer && (await hasEarlierCheckpoints(run, checkpointer));
    const execution = await newExecution(graph, run, config, resumes, stream);
    attempt.execution = execution;
    if (run.kwargs.resumable) {
      active.ready = readinessOf(execution, stream, active);
    }
    return resumes && (await isAtBreakpoint(graph, run)) ? undefined : execution;
  }

  private configOf(active: ActiveRun): GraphConfig {
    const { langsmith_project, langsmith_example_id } = active.run.kwargs.config.configurable;
    const tracer = this.langsmith.tracer({
      ...(typeof langsmith_project === 'string' && { project: langsmith_project }),
      ...(typeof langsmith_example_id === 'string' && { example_id: langsmith_example_id }),
    });
    return runnableConfigOf(active, tracer);
  }

  private checkpointerOf(active: ActiveRun): BaseCheckpointSaver {
    if (active.run.kwargs.temporary) {
      return new DiscardingCheckpointer();
    }
    // Writing a checkpoint is idempotent, so it can be retried.
    const retrying: Queryable = {
      query: (statement, values) => retryOnOutage(this.config, () => this.sql.query(statement, values)),
    };
    return new RunCheckpointer(retrying, active);
  }
}
