import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { describeError, errorStack, errorText, toInspectable } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { DatabaseUnavailableError, type Queryable, retryWhileUnavailable, Sql } from '../../database/index.js';
import {
  type CompiledGraph,
  DiscardingCheckpointer,
  type GraphConfig,
  type GraphExecution,
  type GraphOutcome,
  type GraphState,
  GraphRegistry,
  isDrained,
  isUnknownInterrupt,
  LeaseLostError,
  RunCheckpointer,
  toThreadState,
} from '../../execution/index.js';
import { LangSmith } from '../../observability/index.js';
import { EventStream, runDone, type RunStream, type StreamedRun } from '../../streams/index.js';
import { stateUpdate, ThreadStateService } from '../../threads/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { RunClaims } from '../queue/run-claims.js';
import { type RunEnd, RunEndings } from '../queue/run-endings.js';
import type { RunError } from '../run.entity.js';
import { type Refusal, RunRecheck } from '../access/run-recheck.js';
import type { ActiveRun } from './active-run.js';
import { isAtBreakpoint, newExecution, readState, hasEarlierCheckpoints } from './attempt.js';
import { readinessOf } from './readiness.js';
import { toOutput } from '../results/run-output.js';
import { type FeedbackUrls, ROLLED_BACK, ROLLED_BACK_RESULT, settleRun } from '../results/run-result.js';
import { RunResults } from '../results/run-results.js';
import { runnableConfigOf } from './run-config.js';

/** Milliseconds that the process waits at shutdown until events are in the log. */
const DRAIN_TIMEOUT_MS = 2_000;

/** Why a graph did not end by itself. */
interface Failure {
  status: RunEnd['status'];
  error?: RunError;
  /** The run was rejected before it did anything: the thread keeps its state. */
  refused?: boolean;
  /** The graph has requested its own end before a superstep: the next run can continue from there. */
  drained?: boolean;
}

/** How a run ended. */
interface Ending extends Failure {
  outcome: GraphOutcome;
  feedback?: FeedbackUrls;
}

/** Executes one claimed run: from its first event to the status, result and thread state that it leaves. */
@Injectable()
export class RunLifecycle {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly graphs: GraphRegistry,
    private readonly claims: RunClaims,
    private readonly endings: RunEndings,
    private readonly events: EventStream,
    private readonly results: RunResults,
    private readonly threadState: ThreadStateService,
    private readonly langsmith: LangSmith,
    private readonly sql: Sql,
    private readonly recheck: RunRecheck,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Executes a claimed run to its end. True when another run is queued on its thread. Never throws. */
  async execute(active: ActiveRun): Promise<boolean> {
    const { run } = active;
    if (run.attempt > this.maxAttempts) {
      return this.giveUp(run);
    }
    const { run_id, thread_id, lease_token } = run;
    const { resumable } = run.kwargs;
    const stream = this.events.open({ run_id, thread_id, lease_token, resumable, reader: readerOf(run) });
    stream.append('metadata', JSON.stringify({ run_id: run.run_id, attempt: run.attempt }));
    try {
      const refusal = await this.refusalOf(run);
      return await (refusal ? this.refuse(run, refusal, stream) : this.runToEnd(active, stream));
    } catch (error) {
      return this.endAfter(error, active, stream);
    }
  }

  /**
   * An error outside the graph ends the run as well. If the database is unavailable, or another worker is to resume the
   * run, the run is left alone and its lease expires.
   */
  private async endAfter(error: unknown, active: ActiveRun, stream: RunStream): Promise<boolean> {
    const { run } = active;
    this.logger.error(`run_id=${run.run_id} failed outside of its graph`, errorStack(error));
    if (!(error instanceof DatabaseUnavailableError) && !active.resumesElsewhere) {
      try {
        const ending: Ending = { status: 'error', error: describeError(error), outcome: {} };
        stream.append('error', JSON.stringify(ending.error));
        return await this.finish(run, ending, undefined, stream);
      } catch (again) {
        this.logger.error(`run_id=${run.run_id} could not be ended with status error: ${errorText(again)}`);
      }
    }
    stream.disconnect();
    return false;
  }

  /**
   * Ends a run that is out of retries: in each attempt its process died, lost the database, or renewed the lease too
   * late. True when another run is queued on its thread. Never throws: after a failure, a later poll finds the run
   * again.
   */
  async giveUp(run: ClaimedRun): Promise<boolean> {
    const attempts = Math.min(run.attempt, this.maxAttempts);
    const message = `Given up after ${attempts} attempts: each time, the process that executed the run stopped or lost its lease.`;
    const error = { error: 'RunLost', message };
    try {
      const more = await this.finish(run, { status: 'error', outcome: {}, error });
      if (!run.kwargs.temporary) {
        await this.threadState.refresh(run.thread_id);
      }
      return more;
    } catch (failure) {
      this.logger.error(`run_id=${run.run_id} could not be given up: ${errorText(failure)}`);
      return false;
    }
  }

  /** The first attempt and the retries after it. */
  private get maxAttempts(): number {
    return this.config.queue.max_retries + 1;
  }

  /** Checks the permission of a queued run again. A run that starts when it is created has just been checked. */
  private async refusalOf(run: ClaimedRun): Promise<Refusal | undefined> {
    const { createdByThisProcess, kwargs, thread_id, caller } = run;
    const subject = { ...run, thread_id: kwargs.temporary ? null : thread_id };
    return createdByThisProcess ? undefined : this.retryingOnOutage(() => this.recheck.refusalOf(subject, caller));
  }

  /** Ends a run whose caller has lost the permission. In a first attempt, the thread keeps its state. */
  private async refuse(run: ClaimedRun, { message }: Refusal, stream: RunStream): Promise<boolean> {
    const { run_id, thread_id, attempt, kwargs } = run;
    const error = { error: 'RunNotAllowed', message };
    this.logger.warn(`run_id=${run_id} is not executed: ${message}`);
    stream.append('error', JSON.stringify(error));
    await stream.drained();
    const isFirst = attempt === 1;
    const more = await this.finish(run, { status: 'error', outcome: {}, error, refused: isFirst }, undefined, stream);
    if (!isFirst && !kwargs.temporary) {
      await this.threadState.refresh(thread_id);
    }
    return more;
  }

  private async runToEnd(active: ActiveRun, stream: RunStream): Promise<boolean> {
    const { run } = active;
    const checkpointer = this.checkpointerOf(active);
    const config = this.configOf(active);
    let graph: CompiledGraph | undefined;
    let execution: GraphExecution | undefined;
    let failure: Failure | undefined;
    try {
      if (run.stamps_thread) {
        await this.retryingOnOutage(() => this.claims.stampThread(run));
      }
      graph = await this.graphs.get(String(config.configurable?.graph_id), config, 'threads.create_run', checkpointer);
      const resumes = checkpointer instanceof RunCheckpointer && (await hasEarlierCheckpoints(run, checkpointer));
      execution = await newExecution(graph, run, config, resumes, stream);
      if (run.kwargs.resumable) {
        active.ready = readinessOf(execution, stream, active);
      }
      if (!resumes || !(await isAtBreakpoint(graph, run))) {
        await execution.run();
      }
    } catch (thrown) {
      const error = toInspectable(thrown);
      if (error instanceof LeaseLostError) {
        active.stop('lease_lost');
      } else if (error instanceof DatabaseUnavailableError) {
        active.stop('database_lost');
      } else if (active.drain.hasCaused(error)) {
        active.stop('shutdown');
      }
      if (checkpointer instanceof RunCheckpointer) {
        await checkpointer.settled();
      }
      failure = this.failureOf(active, error);
    }
    const feedback = await this.feedbackOf(active);
    if (await this.endedFromOutside(active, execution, stream)) {
      return false;
    }
    if (feedback) {
      stream.append('feedback', JSON.stringify(feedback));
    }
    if (failure?.error) {
      stream.append('error', JSON.stringify(failure.error));
    }
    const [state] = await Promise.all([
      graph && !run.kwargs.temporary ? readState(graph, run.thread_id) : undefined,
      stream.drained(),
    ]);
    const outcome = execution?.outcome() ?? {};
    return this.finish(run, { status: 'success', ...failure, outcome, feedback }, state, stream);
  }

  private configOf(active: ActiveRun): GraphConfig {
    const { langsmith_project, langsmith_example_id } = active.run.kwargs.config.configurable;
    const tracer = this.langsmith.tracer({
      ...(typeof langsmith_project === 'string' && { project: langsmith_project }),
      ...(typeof langsmith_example_id === 'string' && { example_id: langsmith_example_id }),
    });
    return runnableConfigOf(active, tracer);
  }

  /** Feedback links, for a run that has ended by itself. */
  private async feedbackOf({ run, signal, stopReason }: ActiveRun): Promise<FeedbackUrls | undefined> {
    const { feedback_keys } = run.kwargs;
    return feedback_keys && stopReason === undefined
      ? this.langsmith.feedbackUrls(run.run_id, feedback_keys, signal)
      : undefined;
  }

  private checkpointerOf(active: ActiveRun): BaseCheckpointSaver {
    if (active.run.kwargs.temporary) {
      return new DiscardingCheckpointer();
    }
    // Writing a checkpoint is idempotent, so it can be retried.
    const retrying: Queryable = { query: (text, values) => this.retryingOnOutage(() => this.sql.query(text, values)) };
    return new RunCheckpointer(retrying, active);
  }

  /** Retries through a restart of the database, for at most the lease, which cannot be renewed meanwhile. */
  private retryingOnOutage<T>(work: (again: boolean) => Promise<T>): Promise<T> {
    return retryWhileUnavailable(this.config.queue.lease_ms, work);
  }

  private failureOf(active: ActiveRun, error: unknown): Failure {
    if (active.stopReason === 'cancelled') {
      return { status: 'interrupted' };
    }
    if (active.run.kwargs.strict_resume && isUnknownInterrupt(error)) {
      const { reason, interruptIds: interrupt_ids, pendingIds: pending_ids } = error;
      const refusal = { ...describeError(error), reason, interrupt_ids, pending_ids };
      return { status: 'error', error: refusal, refused: true };
    }
    if (active.stopReason === undefined && isDrained(error)) {
      return { status: 'interrupted', drained: true };
    }
    if (active.stopReason !== 'timeout') {
      return { status: 'error', error: describeError(error) };
    }
    const message = `The run took longer than ${this.config.queue.timeout_ms / 1000} s (BG_JOB_TIMEOUT_SECS).`;
    return { status: 'timeout', error: { error: 'RunTimeout', message } };
  }

  /**
   * True when the run was stopped from outside and its row is already decided; this process only notifies its readers.
   */
  private async endedFromOutside(
    { run, stopReason }: ActiveRun,
    execution: GraphExecution | undefined,
    stream: RunStream,
  ): Promise<boolean> {
    switch (stopReason) {
      case undefined:
      case 'cancelled':
      case 'timeout':
        return false;
      case 'interrupted':
        stream.end();
        if (run.kwargs.temporary) {
          // The run has no checkpoints: only this process knows its values.
          const { result } = settleRun({ status: 'interrupted', outcome: execution?.outcome() });
          await this.retryingOnOutage(() => this.endings.keepOutput(run.run_id, result));
        }
        this.results.publish(run.run_id);
        return true;
      case 'rolled_back':
        stream.end({ event: 'error', json: JSON.stringify(ROLLED_BACK) });
        this.results.publish(run.run_id, ROLLED_BACK_RESULT);
        return true;
      case 'shutdown':
        // Bounded, because the log may be unavailable.
        await Promise.race([stream.drained(), sleep(DRAIN_TIMEOUT_MS, undefined, { ref: false })]);
        await this.claims.release(run);
        stream.disconnect();
        return true;
      case 'database_lost':
        this.logger.warn(`run_id=${run.run_id} lost the database; it will resume from its last checkpoint`);
        await this.retryingOnOutage(() => this.claims.release(run, { countsAttempt: true }));
        stream.disconnect();
        return true;
      case 'lease_lost':
        stream.disconnect();
        this.logger.warn(`run_id=${run.run_id} lost its lease; its further output is discarded`);
        await this.results.check();
        return true;
    }
  }

  /** Writes the status before the end of the stream: a client that sees the end may read the status at once. */
  private async finish(run: ClaimedRun, ending: Ending, state?: GraphState, stream?: RunStream): Promise<boolean> {
    const { status, outcome, error, feedback, refused, drained } = ending;
    const { result, thread } = settleRun({ status, drained, error, feedback, outcome, state });
    const end: RunEnd = {
      status,
      error,
      output: run.kwargs.temporary ? result : toOutput(result),
      thread: refused ? undefined : thread,
    };
    const { held, more } = await this.retryingOnOutage((again) => this.endInQueue(run, end, again));
    if (!held) {
      this.logger.warn(`run_id=${run.run_id} had lost its lease when it ended; its result is discarded`);
      stream?.disconnect();
      await this.results.check();
      return false;
    }
    await this.notifyReaders(run, status, error, stream);
    this.results.publish(run.run_id, result);
    if (state && this.events.isFollowed(run.thread_id)) {
      void this.events.append(run.thread_id, [stateUpdate(toThreadState(state))]);
    }
    return more;
  }

  /** Ends the run's stream. Without an open stream, the error event is appended to the log first. */
  private async notifyReaders(run: ClaimedRun, status: string, error?: RunError, stream?: RunStream): Promise<void> {
    if (stream) {
      stream.finish(status);
    } else {
      const last = [{ event: 'error', json: JSON.stringify(error) }, runDone(run.run_id, status)];
      await this.events.append(run.thread_id, last, run.run_id);
    }
  }

  /** `again`: the COMMIT outcome of an earlier try is unknown; it may have ended the run. */
  private async endInQueue(run: ClaimedRun, end: RunEnd, again: boolean): Promise<{ held: boolean; more: boolean }> {
    const ended = run.kwargs.temporary
      ? await this.endings.finishTemporary(run, end, this.retentionOf(run))
      : await this.endings.finish(run, end);
    const wasEnded = again && !ended.held && (await this.endings.hasEnded(run, end.status));
    return wasEnded ? { held: true, more: true } : ended;
  }

  /** Milliseconds that a stateless run is kept after its end: at least as long as its stream can be resumed. */
  private retentionOf({ kwargs }: ClaimedRun): number {
    const { queue, streams } = this.config;
    return Math.max(queue.stateless_retention_ms, kwargs.resumable ? streams.resumable_ms : 0);
  }
}

/** Where the client reads that requested the stream when it created the run. */
function readerOf({ delivery, createdByThisProcess }: ClaimedRun): StreamedRun['reader'] {
  switch (delivery) {
    case null:
      return 'later';
    case 'wait':
      return 'nowhere';
    case 'stream':
      return createdByThisProcess ? 'here' : 'elsewhere';
  }
}
