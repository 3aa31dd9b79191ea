import { Injectable, Logger } from '@nestjs/common';
import { errorText, type JsonObject, toWireJson } from '../common/index.js';
import { type SseBody } from '../http/index.js';
import { emptyThreadState, GraphStateService, type StateOwner, type ThreadState } from '../execution/index.js';
import {
  eventFrames,
  EventStream,
  isThreadGap,
  type NumberedEvent,
  parseLastEventId,
  RUN_DONE,
  type StreamEvent,
} from '../streams/index.js';

export const THREAD_STREAM_MODES = ['run_modes', 'lifecycle', 'state_update'] as const;
export type ThreadStreamMode = (typeof THREAD_STREAM_MODES)[number];

const STATE_UPDATE = 'state_update';

/** Which events belong to a mode (contract 3.7). */
const EVENTS_OF_MODE: Record<ThreadStreamMode, (event: string) => boolean> = {
  run_modes: (event) => event !== STATE_UPDATE,
  lifecycle: (event) => event === 'metadata' || event === RUN_DONE,
  state_update: (event) => event === STATE_UPDATE,
};

/** The stream of a thread: the events of all its runs, and state updates. */
@Injectable()
export class ThreadStreamService {
  private readonly logger = new Logger('Threads');

  constructor(
    private readonly events: EventStream,
    private readonly graphState: GraphStateService,
  ) {}

  /** The stream ends when the thread is deleted. `lastEventId` `-` starts with all stored events; absent: live events only. */
  async read(thread_id: string, modes: readonly ThreadStreamMode[], lastEventId: string | undefined): Promise<SseBody> {
    const position = lastEventId === undefined ? ({ from: 'now' } as const) : parseLastEventId(lastEventId);
    const isWanted = (event: NumberedEvent): boolean =>
      isThreadGap(event) || modes.some((mode) => EVENTS_OF_MODE[mode](event.event));
    const reader = await this.events.readThread(thread_id, position);
    return {
      // A client that disconnects before the first event has no id: this URL lets it continue from here.
      headers: {
        location: `/threads/${thread_id}/stream?stream_modes=${modes.join(',')}&last_event_id=${reader.after}`,
      },
      frames: eventFrames(reader, { numbered: true, isWanted }),
    };
  }

  /** Sends the current state to the readers of a thread, after a change that no run made. */
  async publishCurrentState(thread: { thread_id: string; metadata: JsonObject; config: JsonObject }): Promise<void> {
    const { thread_id } = thread;
    if (!this.events.isFollowed(thread_id)) {
      return;
    }
    try {
      const owner = toOwner(thread);
      await this.publishState(thread_id, owner ? await this.graphState.getState(owner, {}, false) : emptyThreadState());
    } catch (error) {
      // The change itself is committed. This server may not have the thread's graph.
      this.logger.warn(
        `thread_id=${thread_id} Sending the new state to the thread's readers failed: ${errorText(error)}`,
      );
    }
  }

  /** Sends a state to the readers of a thread, if there are any. */
  async publishState(thread_id: string, state: ThreadState): Promise<void> {
    if (this.events.isFollowed(thread_id)) {
      await this.events.append(thread_id, [stateUpdate(state)]);
    }
  }
}

/** The state of a thread as an event of its stream. */
export const stateUpdate = (state: ThreadState): StreamEvent => ({ event: STATE_UPDATE, json: toWireJson(state) });

/** Undefined for a thread that has no graph yet. */
export function toOwner({
  thread_id,
  metadata,
  config,
}: {
  thread_id: string;
  metadata: JsonObject;
  config: JsonObject;
}): StateOwner | undefined {
  return typeof metadata.graph_id === 'string' ? { thread_id, graph_id: metadata.graph_id, config } : undefined;
}
