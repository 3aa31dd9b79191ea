import { stringify } from 'node:querystring';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { runHeaders, type RunLocation, type SseBody, type WaitBody } from '../http/index.js';
import { eventFrames, EventStream, parseLastEventId, type RunPosition } from '../streams/index.js';
import { CancelOnDisconnect } from './cancel/cancel-on-disconnect.js';
import type { Run } from './dto/run.dto.js';
import { isActive, type RunEntity } from './run.entity.js';
import { type RunCompletion, RunResults, type RunWaiter } from './results/run-results.js';
import { RunFinder } from './queue/run-finder.js';
import { StoredResults } from './results/stored-results.js';
import { type StreamFilter, streamFilter } from './results/stream-filter.js';

export interface ReadOptions {
  /** The client addresses the run without its thread. */
  stateless: boolean;
  /** Cancel the run when this reader disconnects. */
  cancelOnDisconnect: boolean;
}

export interface JoinOptions {
  lastEventId?: string;
  /**
   * The client reconnects to the `Location` of an earlier stream. Without a `Last-Event-ID` it has received no event of
   * it.
   */
  isReconnecting: boolean;
  filter: StreamFilter;
  cancelOnDisconnect: boolean;
}

/** The query parameter of a stream that its `Location` repeats. */
const REPEATED = 'namespace';

/**
 * True when the request URL is the `Location` of a stream: SDKs reconnect to it after a broken connection. When they
 * join a stream, they send further query parameters.
 */
export const isReconnect = ({ query }: FastifyRequest): boolean =>
  Object.keys(query as object).every((key) => key === REPEATED);

/** The output of runs: their streams and results. */
@Injectable()
export class RunOutputService {
  constructor(
    private readonly runs: RunFinder,
    private readonly stored: StoredResults,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly disconnects: CancelOnDisconnect,
  ) {}

  /** Streams a run that has just been created, from its first event. */
  stream(run: Run, options: ReadOptions, filter: StreamFilter): SseBody {
    return this.read({ ...run, delivery: 'stream' }, { from: 'start' }, options, this.results.wait(run.run_id), filter);
  }

  /** Joins the stream of an existing run (contract 3.5). */
  async joinStream(
    run_id: string,
    thread_id: string | undefined,
    { lastEventId, isReconnecting, filter, cancelOnDisconnect }: JoinOptions,
  ): Promise<SseBody> {
    const waiter = this.results.wait(run_id);
    try {
      const run = await this.runs.find(run_id, thread_id);
      this.disconnects.onReconnect(run_id);
      const options = joined(run, thread_id, cancelOnDisconnect);
      const position = positionOf(lastEventId, run.kwargs.resumable && (isReconnecting || !isActive(run.status)));
      const body = this.read(run, position, options, waiter, filter);
      await this.events.announced();
      return body;
    } catch (error) {
      waiter.cancel();
      throw error;
    }
  }

  /** Waits for the result of a run that has just been created. */
  wait(run: Run, options: ReadOptions): WaitBody {
    return this.waitFor(run, this.results.wait(run.run_id), options);
  }

  /** Waits for the result of an existing run. Returns at once if the run has ended. */
  async join(run_id: string, thread_id: string | undefined, cancelOnDisconnect: boolean): Promise<WaitBody> {
    const waiter = this.results.wait(run_id);
    try {
      const run = await this.runs.find(run_id, thread_id);
      this.disconnects.onReconnect(run_id);
      const options = joined(run, thread_id, cancelOnDisconnect);
      if (isActive(run.status)) {
        return this.waitFor(run, waiter, options);
      }
      waiter.cancel();
      return { headers: runHeaders(locationOf(run, options.stateless), 'join'), json: this.stored.get(run) };
    } catch (error) {
      waiter.cancel();
      throw error;
    }
  }

  private waitFor(run: Run, { completion, cancel }: RunWaiter, options: ReadOptions): WaitBody {
    return {
      headers: runHeaders(locationOf(run, options.stateless), 'join'),
      json: this.resultOf(run.run_id, completion),
      onDisconnect: () => {
        cancel();
        if (options.cancelOnDisconnect) {
          this.disconnects.onDisconnect(run);
        }
      },
    };
  }

  private async resultOf(run_id: string, completion: Promise<RunCompletion>): Promise<string> {
    const { result } = await completion;
    return (
      result ??
      this.runs.find(run_id).then(
        (run) => this.stored.get(run),
        () => GONE,
      )
    );
  }

  /** The caller has registered `waiter` before it read the run's status, so the end of the run cannot be missed. */
  private read(
    run: Run & Pick<RunEntity, 'delivery'>,
    position: RunPosition,
    options: ReadOptions,
    waiter: RunWaiter,
    filter: StreamFilter,
  ): SseBody {
    const { run_id, thread_id, delivery } = run;
    const { resumable } = run.kwargs;
    const reader = this.events.readRun(
      { run_id, thread_id, resumable, active: isActive(run.status), wasRead: delivery === 'stream' },
      position,
    );
    // The end may have been reported after the status was read and before the reader was registered.
    void waiter.completion.then(() => this.events.end(run_id));
    const onEnd = (finished: boolean): void => {
      waiter.cancel();
      if (!finished && options.cancelOnDisconnect) {
        this.disconnects.onDisconnect(run);
      }
    };
    return {
      headers: streamHeaders(locationOf(run, options.stateless), filter),
      frames: eventFrames(reader, { numbered: resumable, isWanted: streamFilter(filter), onEnd }),
    };
  }
}

const GONE = JSON.stringify({ __error__: { error: 'RunDeleted', message: 'The run was deleted before it ended.' } });

const locationOf = ({ run_id, thread_id }: Pick<Run, 'run_id' | 'thread_id'>, stateless: boolean): RunLocation =>
  stateless ? { run_id } : { run_id, thread_id };

/** With `on_disconnect: cancel`, every reader of the run counts, not only the client that created it. */
const joined = (
  { on_disconnect }: RunEntity,
  thread_id: string | undefined,
  cancelOnDisconnect: boolean,
): ReadOptions => ({
  stateless: thread_id === undefined,
  cancelOnDisconnect: cancelOnDisconnect || on_disconnect === 'cancel',
});

/** SDKs reconnect to the `Location` unchanged, so it must repeat the namespaces. */
function streamHeaders(run: RunLocation, { namespaces = [] }: StreamFilter): Record<string, string> {
  const { location, ...headers } = runHeaders(run, 'stream');
  const query = stringify({ [REPEATED]: namespaces });
  return { ...headers, location: query ? `${location}?${query}` : location };
}

function positionOf(lastEventId: string | undefined, hasMissedAll: boolean): RunPosition {
  if (lastEventId !== undefined) {
    return parseLastEventId(lastEventId);
  }
  return { from: hasMissedAll ? 'start' : 'join' };
}
