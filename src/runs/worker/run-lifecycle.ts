import { Inject, Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { jsonbText, toWireJson } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { POOL } from '../../database/index.js';
import {
  type CompiledGraph,
  DiscardingCheckpointer,
  type GraphConfig,
  GraphExecution,
  type GraphOutcome,
  type GraphState,
  GraphRegistry,
  interruptsByTask,
  LeaseLostError,
  RunCheckpointer,
  toCommand,
} from '../../execution/index.js';
import { EventStream, type RunStreamWriter } from '../../streams/index.js';
import type { ThreadStatus } from '../../threads/index.js';
import { RunQueue, type ClaimedRun, type RunEnd } from '../queue/run-queue.js';
import type { RunError } from '../run.entity.js';
import type { ActiveRun } from './active-run.js';
import { answerOf, ROLLED_BACK } from './answer.js';
import { RunResults } from './run-results.js';
import { runnableConfigOf } from './run-config.js';

/** Why a graph did not come to its regular end. */
interface Failure {
  status: RunEnd['status'];
  error?: RunError;
}

/** How a run came to its end. */
interface Ending extends Failure {
  outcome: GraphOutcome;
}

/** What it means to execute a run: from its first event to the state it leaves behind. */
@Injectable()
export class RunLifecycle {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly graphs: GraphRegistry,
    private readonly queue: RunQueue,
    private readonly events: EventStream,
    private readonly results: RunResults,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Executes a claimed run to its end. True when its thread has another run waiting. Never throws. */
  async execute(active: ActiveRun): Promise<boolean> {
    const { run } = active;
    const stream = this.events.open({ run_id: run.run_id, resumable: run.kwargs.resumable });
    stream.append('metadata', JSON.stringify({ run_id: run.run_id, attempt: run.attempt }));
    try {
      return await this.runToEnd(active, stream);
    } catch (error) {
      // The database is away: the lease runs out and the run is taken up again.
      this.logger.error(
        `run_id=${run.run_id} could not be ended`,
        error instanceof Error ? error.stack : String(error),
      );
      return false;
    }
  }

  /** Ends a run that has been begun too often; its worker dies each time, or is too slow to renew its lease. */
  async giveUp(run: ClaimedRun): Promise<void> {
    const message = `Given up after ${run.attempt} attempts: the process that executed the run stopped each time.`;
    const ending: Ending = { status: 'error', outcome: {}, error: { error: 'RunLost', message } };
    await this.finish(run, ending, undefined);
  }

  private async runToEnd(active: ActiveRun, stream: RunStreamWriter): Promise<boolean> {
    const { run } = active;
    const checkpointer = this.checkpointerOf(active);
    const config = runnableConfigOf(run, active.signal);
    let graph: CompiledGraph | undefined;
    let execution: GraphExecution | undefined;
    let failure: Failure | undefined;
    try {
      graph = await this.graphs.get(String(config.configurable?.graph_id), config, checkpointer);
      execution = await newExecution(graph, run, config, stream);
      await execution.run();
    } catch (error) {
      if (error instanceof LeaseLostError) {
        active.stop('lease_lost');
      }
      if (checkpointer instanceof RunCheckpointer) {
        await checkpointer.settled();
      }
      failure = this.failureOf(active, error);
    }
    if (await this.endedOutside(active, execution, stream)) {
      return false;
    }
    if (failure?.error) {
      stream.append('error', JSON.stringify(failure.error));
    }
    const state = graph && !run.kwargs.temporary ? await readState(graph, run.thread_id) : undefined;
    return this.finish(run, { status: 'success', ...failure, outcome: execution?.outcome() ?? {} }, state, stream);
  }

  private checkpointerOf(active: ActiveRun): BaseCheckpointSaver {
    return active.run.kwargs.temporary ? new DiscardingCheckpointer() : new RunCheckpointer(this.pool, active);
  }

  private failureOf(active: ActiveRun, error: unknown): Failure {
    if (active.stopReason === 'cancelled') {
      return { status: 'interrupted' };
    }
    if (active.stopReason !== 'timeout') {
      return { status: 'error', error: toRunError(error) };
    }
    const message = `The run took longer than ${this.config.queue.timeout_ms / 1000} s (BG_JOB_TIMEOUT_SECS).`;
    return { status: 'timeout', error: { error: 'RunTimeout', message } };
  }

  /** True when somebody else has decided what becomes of the run; only its readers are left to be told. */
  private async endedOutside(
    { run, stopReason }: ActiveRun,
    execution: GraphExecution | undefined,
    stream: RunStreamWriter,
  ): Promise<boolean> {
    switch (stopReason) {
      case undefined:
      case 'cancelled':
      case 'timeout':
        return false;
      case 'interrupted':
        stream.close();
        this.results.publish(run.run_id, answerOf(execution?.outcome().values, undefined));
        return true;
      case 'rolled_back':
        stream.append('error', JSON.stringify(ROLLED_BACK));
        stream.close();
        this.results.publish(run.run_id, answerOf(undefined, undefined, ROLLED_BACK));
        return true;
      case 'shutdown':
        await this.queue.release(run);
        return true;
      case 'lease_lost':
        this.logger.warn(`run_id=${run.run_id} lost its lease; what it still produced is thrown away`);
        await this.results.check();
        return true;
    }
  }

  /** Status first, then the stream's end: a client that sees the end may ask for the status at once. */
  private async finish(
    run: ClaimedRun,
    ending: Ending,
    state?: GraphState,
    stream?: RunStreamWriter,
  ): Promise<boolean> {
    const { status, outcome, error } = ending;
    const values = outcome.values ?? (state && toWireJson(state.values));
    const answer = answerOf(values, outcome.interrupts, error);
    const { temporary } = run.kwargs;
    const { held, more } = temporary
      ? await this.queue.finishTemporary(
          run,
          { status, error, values, output: answer },
          this.config.queue.stateless_retention_ms,
        )
      : await this.queue.finish(run, { status, error, thread: threadAfter(status, values, state) });
    if (!held) {
      this.logger.warn(`run_id=${run.run_id} had lost its lease when it ended; its result is thrown away`);
      await this.results.check();
      return false;
    }
    stream?.close();
    this.results.publish(run.run_id, answer);
    return more;
  }
}

async function newExecution(
  graph: CompiledGraph,
  run: ClaimedRun,
  config: GraphConfig,
  stream: RunStreamWriter,
): Promise<GraphExecution> {
  const { command, input = null, stream_mode, subgraphs } = run.kwargs;
  return new GraphExecution({
    graph,
    input: command ? await toCommand(command, () => openInterrupts(graph, config)) : input,
    config,
    run_id: run.run_id,
    stream_mode: new Set(stream_mode),
    subgraphs,
    emit: (event, json) => stream.append(event, json),
  });
}

/** Ids of the questions that wait for an answer. */
async function openInterrupts(graph: CompiledGraph, { configurable }: GraphConfig): Promise<string[]> {
  const { tasks } = await graph.getState({ configurable });
  return tasks.flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id)));
}

/** The state a run leaves; undefined when it cannot be read, e.g. because the graph's own code fails on it. */
async function readState(graph: CompiledGraph, thread_id: string): Promise<GraphState | undefined> {
  try {
    return await graph.getState({ configurable: { thread_id } });
  } catch {
    return undefined;
  }
}

/** Contract 1.3 "Thread status": a cancelled run leaves its thread idle, whatever nodes are still to come. */
function threadAfter(
  status: RunEnd['status'],
  values: string | undefined,
  state: GraphState | undefined,
): RunEnd['thread'] {
  const stopped = status === 'success' && state !== undefined && state.next.length > 0;
  const threadStatus: ThreadStatus =
    status === 'error' || status === 'timeout' ? 'error' : stopped ? 'interrupted' : 'idle';
  return {
    status: threadStatus,
    values: values && jsonbText(values),
    interrupts: state ? interruptsByTask(state) : {},
  };
}

function toRunError(error: unknown): RunError {
  return error instanceof Error
    ? { error: error.name, message: error.message }
    : { error: 'Error', message: typeof error === 'string' ? error : JSON.stringify(error) };
}
