import type { AuthFilter } from '../auth/index.js';
import type { RunAssistant } from '../assistants/index.js';
import type { JsonObject } from '../common/index.js';
import { checkStrictResume } from '../execution/index.js';
import { callerKeyOf } from './queue/caller-key.js';
import type { NewRun, RunThread } from './queue/queued-run.js';
import type { Delivery, ThreadStamp } from './run.entity.js';
import type { RunCaller } from './run-caller.js';
import { type PreparedRun, prepareRun, type RunCreate } from './run-request.js';

/** A run that is asked for. Its ids are known beforehand, so that it can be looked for. */
export interface Order {
  run_id: string;
  /** The one it is asked for on, or its own. */
  thread_id: string;
  assistant: RunAssistant;
  body: RunCreate;
  caller: RunCaller | null;
  delivery: Delivery | null;
  /** Which threads it may be created on; all when undefined. */
  visible?: AuthFilter;
  /** The schedule that asks for it. */
  cron_id?: string;
}

/**
 * Milliseconds for which a run that a schedule has created lets others go first. Thousands may come at once, and nobody
 * waits for them; in the end they have their turn, too.
 */
const SCHEDULED_YIELDS_MS = 60_000;

/** A run that is ready for the queue. */
export interface ReadyRun {
  run: NewRun;
  onThread: ThreadStamp;
}

/** Milliseconds until the run may begin. */
export const delayOf = ({ after_seconds = 0 }: RunCreate): number => Math.ceil(after_seconds * 1000);

/** On a thread of its own, which is hidden when it is deleted with the run. */
export function readyAlone(order: Order): ReadyRun & { hidden: boolean } {
  const { body } = order;
  const hidden = (body.on_completion ?? 'delete') === 'delete';
  const prepared = prepareRun({ ...order, thread: { config: {}, metadata: {} }, temporary: hidden });
  const onThread = { metadata: threadMetadata(order, body), config: prepared.thread_config };
  return { run: toNewRun(order, prepared), onThread, hidden };
}

/** On a thread; without `thread` on a new one. */
export function readyOn(order: Order, thread: RunThread | undefined): ReadyRun {
  const { body } = order;
  const stamp = threadMetadata(order, thread ? undefined : body);
  const settings = { config: thread?.config ?? {}, metadata: { ...thread?.metadata, ...stamp } };
  const prepared = prepareRun({ ...order, thread: settings, temporary: false });
  const run = toNewRun(order, prepared);
  const leavesNothing = thread !== undefined && willBeRefused(body, thread);
  const onThread = leavesNothing
    ? { metadata: {}, config: thread.config }
    : { metadata: stamp, config: prepared.thread_config };
  return { run, onThread };
}

function toNewRun(
  { run_id, thread_id, assistant, body, caller, delivery, cron_id }: Order,
  { kwargs, metadata }: PreparedRun,
): NewRun {
  return {
    run_id,
    thread_id,
    assistant_id: assistant.assistant_id,
    assistant_stamp: assistant.stamp,
    kwargs,
    metadata,
    caller,
    caller_key: callerKeyOf(caller?.user?.identity),
    delivery,
    on_disconnect: delivery && body.on_disconnect === 'cancel' ? 'cancel' : null,
    multitask_strategy: body.multitask_strategy ?? 'enqueue',
    delay_ms: delayOf(body),
    ...(cron_id && { yields_ms: SCHEDULED_YIELDS_MS }),
  };
}

/** A strict resume that answers nothing fails when it begins, and leaves the thread as it is: in its metadata, too. */
const willBeRefused = ({ command, strict_resume }: RunCreate, { interrupts }: RunThread): boolean =>
  strict_resume === true &&
  command?.resume !== undefined &&
  checkStrictResume(command.resume, {
    pendingIds: Object.values(interrupts).flatMap((questions) => questions.map(({ id }) => String(id))),
    hasNext: Object.keys(interrupts).length > 0,
  }) !== undefined;

/** Stamped on the thread; one made for the run takes over the request's metadata too (contract 1.3), and its schedule. */
const threadMetadata = ({ assistant: { graph_id, assistant_id }, cron_id }: Order, body?: RunCreate): JsonObject => ({
  ...body?.metadata,
  ...(body && cron_id && { cron_id }),
  graph_id,
  assistant_id,
});
