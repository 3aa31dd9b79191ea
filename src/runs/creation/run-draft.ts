import type { AuthFilter } from '../../auth/index.js';
import type { RunAssistant } from '../../assistants/index.js';
import { type JsonObject, newId } from '../../common/index.js';
import { checkStrictResume } from '../../execution/index.js';
import type { HeaderPatterns } from '../../http/index.js';
import { callerKeyOf } from '../queue/caller-key.js';
import type { NewRun, RunThread } from '../queue/run-inserts.js';
import type { Delivery, RunCaller, ThreadStamp } from '../run.entity.js';
import type { RunCreate } from '../dto/run-requests.dto.js';
import { callerOf, withRequest } from './run-caller.js';
import type { RunOrigin } from './run-origin.js';
import type { DecidedRun } from './run-permissions.js';
import { type PreparedRun, prepareRun } from './run-request.js';

/** A requested run, before it is inserted. Its ids are fixed, so that it can be found after an ambiguous commit. */
export interface RunDraft {
  run_id: string;
  /** The requested thread, or a new id for a stateless run. */
  thread_id: string;
  /** True when the run has its own thread. */
  stateless: boolean;
  assistant: RunAssistant;
  body: RunCreate;
  caller: RunCaller | null;
  delivery: Delivery | null;
  /** Filter for the threads on which it may be created; all when undefined. */
  visible?: AuthFilter;
  /** The cron that creates it. */
  cron_id?: string;
}

/**
 * Priority delay of runs that a cron creates: runs that become due within this many milliseconds are claimed first.
 * Thousands of crons may fire at once and no client waits for them. The delay is bounded, so they do not starve.
 */
const CRON_PRIORITY_DELAY_MS = 60_000;

/** A run that is ready for the queue, and what it writes to its thread. */
export interface ReadyRun {
  run: NewRun;
  onThread: ThreadStamp;
}

/** Drafts a permitted run, with new ids. Without a `thread_id` it is stateless. */
export function toDraft(
  { body, visible, assistant }: DecidedRun,
  { request, delivery, cron_id, user }: RunOrigin = {},
  thread_id: string | undefined,
  forwarded: HeaderPatterns,
): RunDraft {
  const caller = request ? callerOf(request, forwarded) : user ? { headers: {}, user } : null;
  return {
    run_id: newId(),
    thread_id: thread_id ?? newId(),
    stateless: thread_id === undefined,
    assistant,
    body,
    caller: withRequest(caller, body),
    delivery: delivery ?? null,
    visible,
    cron_id,
  };
}

/** Milliseconds until the run is due. */
export const delayOf = ({ after_seconds = 0 }: RunCreate): number => Math.ceil(after_seconds * 1000);

/** Prepares a run on its own thread. The thread is hidden if it is deleted with the run. */
export function prepareStatelessRun(draft: RunDraft): ReadyRun & { hidden: boolean } {
  const { body } = draft;
  const hidden = (body.on_completion ?? 'delete') === 'delete';
  const prepared = prepareRun({ ...draft, thread: { config: {}, metadata: {} }, temporary: hidden });
  const onThread = { metadata: threadMetadata(draft, body), config: prepared.thread_config };
  return { run: toNewRun(draft, prepared), onThread, hidden };
}

/** Prepares a run on `thread`, or on a new thread. */
export function prepareRunOn(draft: RunDraft, thread: RunThread | undefined): ReadyRun {
  const { body } = draft;
  const stamp = threadMetadata(draft, thread ? undefined : body);
  const settings = { config: thread?.config ?? {}, metadata: { ...thread?.metadata, ...stamp } };
  const prepared = prepareRun({ ...draft, thread: settings, temporary: false });
  const run = toNewRun(draft, prepared);
  const keepsThread = thread !== undefined && willBeRejected(body, thread);
  const onThread = keepsThread
    ? { metadata: {}, config: thread.config }
    : { metadata: stamp, config: prepared.thread_config };
  return { run, onThread };
}

function toNewRun(
  { run_id, thread_id, assistant, body, caller, delivery, cron_id }: RunDraft,
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
    ...(cron_id && { priority_delay_ms: CRON_PRIORITY_DELAY_MS }),
  };
}

/**
 * True for a strict resume that names no pending interrupt. It will fail and must not change the thread, not even
 * metadata.
 */
const willBeRejected = ({ command, strict_resume }: RunCreate, { interrupts }: RunThread): boolean =>
  strict_resume === true &&
  command?.resume !== undefined &&
  checkStrictResume(command.resume, {
    pendingIds: Object.values(interrupts).flatMap((pending) => pending.map(({ id }) => String(id))),
    hasNext: Object.keys(interrupts).length > 0,
  }) !== undefined;

/**
 * Metadata to stamp on the thread. A thread created for the run also gets the request's metadata (contract 1.3) and the
 * cron id.
 */
const threadMetadata = (
  { assistant: { graph_id, assistant_id }, cron_id }: RunDraft,
  body?: RunCreate,
): JsonObject => ({
  ...body?.metadata,
  ...(body && cron_id && { cron_id }),
  graph_id,
  assistant_id,
});
