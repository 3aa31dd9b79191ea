import { toWireJson } from '../../common/index.js';
import type { Emit } from './stream-mode.js';

interface Message {
  id?: string;
  _getType(): string;
  concat?(other: Message): Message;
  toDict(): { type: string; data: Record<string, unknown> };
}

/** What LangGraph's mode `messages` yields: a message or a chunk of one, with the metadata of its origin. */
export type MessageTuple = [message: Message, metadata: object];

/** LangChain's tag for calls that must not be shown. */
export const HIDDEN_TAG = 'langsmith:hidden';

/** True for messages of a hidden model: no message mode emits them (contract 3.3). */
export const isHiddenMessage = ([, metadata]: MessageTuple): boolean =>
  'tags' in metadata && Array.isArray(metadata.tags) && metadata.tags.includes(HIDDEN_TAG);

/** All tokens of a model call share one metadata object, which is serialized only once. */
const metadataJson = new WeakMap<object, string>();

function toMetadataJson(metadata: object): string {
  let json = metadataJson.get(metadata);
  if (json === undefined) {
    json = toWireJson(metadata);
    metadataJson.set(metadata, json);
  }
  return json;
}

/** Data of the event `messages`: `[message or chunk, metadata]`. */
export const messageTupleJson = ([message, metadata]: MessageTuple): string =>
  `[${toWireJson(message)},${toMetadataJson(metadata)}]`;

/** LangChain's own check for messages, which works across copies of LangChain. */
const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' &&
  value !== null &&
  '_getType' in value &&
  typeof value._getType === 'function' &&
  'toDict' in value &&
  typeof value.toDict === 'function';

/** An instruction to the state's reducer, without content. Mode `messages` omits it; `messages-tuple` emits it. */
const isRemoval = (message: Message): boolean => message._getType() === 'remove';

/** LangChain's names of its chunk classes, which survive minification. */
const CHUNK_CLASS = /^(?:Base|AI|Human|System|Tool|Function|Chat)MessageChunk$/;

/**
 * A chunk inherits from one of LangChain's chunk classes, possibly of another copy of LangChain. A `concat` method proves
 * nothing: complete system messages have one, too.
 */
function isChunk(message: Message): boolean {
  for (let proto = parentOf(message); proto; proto = parentOf(proto)) {
    const { constructor } = proto as { constructor?: { lc_name?: () => unknown } };
    if (typeof constructor?.lc_name === 'function' && CHUNK_CLASS.test(String(constructor.lc_name()))) {
      return true;
    }
  }
  return false;
}

const parentOf = (object: object): object | null => Object.getPrototypeOf(object) as object | null;

/** Emits the events of mode `messages`: the accumulated message for each chunk, and the complete one once (contract 3.3). */
export class AccumulatedMessages {
  private readonly growing = new Map<string, Message>();
  private readonly announced = new Set<string>();
  private readonly completed = new Set<string>();

  onMessage([message, metadata]: MessageTuple, emit: Emit): void {
    const { id } = message;
    if (id === undefined || this.completed.has(id) || isRemoval(message)) {
      return;
    }
    if (!this.announced.has(id)) {
      this.announced.add(id);
      emit('messages/metadata', `{${JSON.stringify(id)}:{"metadata":${toMetadataJson(metadata)}}}`);
    }
    if (isChunk(message)) {
      const grown = this.growing.get(id)?.concat?.(message) ?? message;
      this.growing.set(id, grown);
      emit('messages/partial', toWireJson([grown]));
    } else {
      this.complete([message], emit);
    }
  }

  /** Messages in the state are complete, including those of the input. */
  onValues(values: unknown, emit: Emit): void {
    const messages = typeof values === 'object' && values !== null && 'messages' in values ? values.messages : [];
    const inState = (Array.isArray(messages) ? messages : [messages]).filter(isMessage);
    this.complete(
      inState.filter((message) => !isRemoval(message)),
      emit,
    );
  }

  private complete(messages: Message[], emit: Emit): void {
    const fresh = messages.filter(({ id }) => id !== undefined && !this.completed.has(id));
    if (fresh.length === 0) {
      return;
    }
    for (const { id } of fresh) {
      this.completed.add(id!);
      this.growing.delete(id!);
    }
    emit('messages/complete', toWireJson(fresh));
  }
}
