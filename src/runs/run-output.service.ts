import { stringify } from 'node:querystring';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { runHeaders, type RunLocation, type SseBody, type WaitBody } from '../common/index.js';
import { eventFrames, EventStream, positionAfter, type RunPosition } from '../streams/index.js';
import { CancelOnDisconnect } from './cancel-on-disconnect.js';
import type { Run } from './dto/run.dto.js';
import { isActive, type RunEntity } from './run.entity.js';
import { RunResults, type Waiting } from './worker/run-results.js';
import { RunsService } from './runs.service.js';
import { StoredResults } from './stored-results.js';
import { type Wanted, wantedEvents } from './wanted-events.js';

export interface ReadOptions {
  /** A run without a thread that clients know. */
  stateless: boolean;
  /** Cancel the run when this reader goes away. */
  cancelOnDisconnect: boolean;
}

export interface JoinOptions {
  lastEventId?: string;
  /** The client follows the `Location` of a stream that it had. Without an id it has received nothing of it. */
  isBack: boolean;
  wanted: Wanted;
  cancelOnDisconnect: boolean;
}

/** Parameters of a stream that its `Location` repeats. */
const REPEATED = 'namespace';

/** True for the `Location` of a stream: SDKs join with more in their query, and come back there when a connection broke. */
export const comesBack = ({ query }: FastifyRequest): boolean =>
  Object.keys(query as object).every((key) => key === REPEATED);

/** What runs give back: their stream, their answer. */
@Injectable()
export class RunOutputService {
  constructor(
    private readonly runs: RunsService,
    private readonly stored: StoredResults,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly disconnects: CancelOnDisconnect,
  ) {}

  /** The stream of a run that has just been created, from its first event. */
  stream(run: Run, options: ReadOptions, wanted: Wanted): SseBody {
    return this.read({ ...run, delivery: 'stream' }, { from: 'start' }, options, this.results.wait(run.run_id), wanted);
  }

  /** The stream of a run that was created before (contract 3.5). */
  async joinStream(
    run_id: string,
    thread_id: string | undefined,
    { lastEventId, isBack, wanted, cancelOnDisconnect }: JoinOptions,
  ): Promise<SseBody> {
    const awaited = this.results.wait(run_id);
    try {
      const run = await this.runs.find(run_id, thread_id);
      this.disconnects.arrive(run_id);
      const options = joined(run, thread_id, cancelOnDisconnect);
      const position = positionOf(lastEventId, run.kwargs.resumable && (isBack || !isActive(run.status)));
      const body = this.read(run, position, options, awaited, wanted);
      await this.events.announced();
      return body;
    } catch (error) {
      awaited.cancel();
      throw error;
    }
  }

  /** The answer of a run that has just been created. */
  wait(run: Run, options: ReadOptions): WaitBody {
    return this.waitFor(run, this.results.wait(run.run_id), options);
  }

  /** The answer of a run that was created before; at once when it has ended. */
  async join(run_id: string, thread_id: string | undefined, cancelOnDisconnect: boolean): Promise<WaitBody> {
    const waiting = this.results.wait(run_id);
    try {
      const run = await this.runs.find(run_id, thread_id);
      this.disconnects.arrive(run_id);
      const options = joined(run, thread_id, cancelOnDisconnect);
      if (isActive(run.status)) {
        return this.waitFor(run, waiting, options);
      }
      waiting.cancel();
      return { headers: runHeaders(locationOf(run, options.stateless), 'join'), json: this.stored.get(run) };
    } catch (error) {
      waiting.cancel();
      throw error;
    }
  }

  private waitFor(run: Run, { ended, cancel }: Waiting, options: ReadOptions): WaitBody {
    return {
      headers: runHeaders(locationOf(run, options.stateless), 'join'),
      json: this.answerWhenEnded(run.run_id, ended),
      onDisconnect: () => {
        cancel();
        if (options.cancelOnDisconnect) {
          this.disconnects.leave(run);
        }
      },
    };
  }

  private async answerWhenEnded(run_id: string, ended: Promise<{ answer?: string }>): Promise<string> {
    const { answer } = await ended;
    return (
      answer ??
      this.runs.find(run_id).then(
        (run) => this.stored.get(run),
        () => GONE,
      )
    );
  }

  /** `awaited` was registered before the run's status was read: its end cannot be missed. */
  private read(
    run: Run & Pick<RunEntity, 'delivery'>,
    position: RunPosition,
    options: ReadOptions,
    awaited: Waiting,
    wanted: Wanted,
  ): SseBody {
    const { run_id, thread_id, delivery } = run;
    const { resumable } = run.kwargs;
    const reader = this.events.readRun(
      { run_id, thread_id, resumable, active: isActive(run.status), wasRead: delivery === 'stream' },
      position,
    );
    // The end may have been told between the look at the run's status and the reader's arrival.
    void awaited.ended.then(() => this.events.end(run_id));
    const onLeave = (finished: boolean): void => {
      awaited.cancel();
      if (!finished && options.cancelOnDisconnect) {
        this.disconnects.leave(run);
      }
    };
    return {
      headers: streamHeaders(locationOf(run, options.stateless), wanted),
      frames: eventFrames(reader, { numbered: resumable, isWanted: wantedEvents(wanted), onLeave }),
    };
  }
}

const GONE = JSON.stringify({ __error__: { error: 'RunDeleted', message: 'The run was deleted before it ended.' } });

const locationOf = ({ run_id, thread_id }: Pick<Run, 'run_id' | 'thread_id'>, stateless: boolean): RunLocation =>
  stateless ? { run_id } : { run_id, thread_id };

/** Whoever reads a run that ends with its readers counts, wherever the one is that asked for it. */
const joined = (
  { on_disconnect }: RunEntity,
  thread_id: string | undefined,
  cancelOnDisconnect: boolean,
): ReadOptions => ({
  stateless: thread_id === undefined,
  cancelOnDisconnect: cancelOnDisconnect || on_disconnect === 'cancel',
});

/** SDKs come back to the `Location` as it is: what it does not say they would not get again. */
function streamHeaders(run: RunLocation, { namespaces = [] }: Wanted): Record<string, string> {
  const { location, ...headers } = runHeaders(run, 'stream');
  const query = stringify({ [REPEATED]: namespaces });
  return { ...headers, location: query ? `${location}?${query}` : location };
}

function positionOf(lastEventId: string | undefined, hasMissedAll: boolean): RunPosition {
  if (lastEventId !== undefined) {
    return positionAfter(lastEventId);
  }
  return { from: hasMissedAll ? 'start' : 'join' };
}
