import { toWireJson } from '../../common/index.js';
import type { Emit } from './stream-mode.js';

interface Message {
  id?: string;
  concat?(other: Message): Message;
  toDict(): { type: string; data: Record<string, unknown> };
}

/** What LangGraph's mode `messages` yields: a message or a piece of one, and where it comes from. */
export type MessageTuple = [message: Message, metadata: object];

/** LangChain's tag for calls that nobody is to see. */
export const HIDDEN_TAG = 'langsmith:hidden';

/** True for what a hidden model says: no message mode shows it (contract 3.3). */
export const isHiddenMessage = ([, metadata]: MessageTuple): boolean =>
  'tags' in metadata && Array.isArray(metadata.tags) && metadata.tags.includes(HIDDEN_TAG);

/** All tokens of a model call share one metadata object: it is serialised once, not for each token. */
const metadataJson = new WeakMap<object, string>();

function toMetadataJson(metadata: object): string {
  let json = metadataJson.get(metadata);
  if (json === undefined) {
    json = toWireJson(metadata);
    metadataJson.set(metadata, json);
  }
  return json;
}

/** Data of the event `messages`: `[message or piece, metadata]`. */
export const messageTupleJson = ([message, metadata]: MessageTuple): string =>
  `[${toWireJson(message)},${toMetadataJson(metadata)}]`;

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'toDict' in value && typeof value.toDict === 'function';

/** Message pieces can be added up; complete messages cannot. */
const isPiece = (message: Message): boolean => typeof message.concat === 'function';

/** The events of mode `messages`: every message as it grows, and once when it is complete (contract 3.3). */
export class AccumulatedMessages {
  private readonly growing = new Map<string, Message>();
  private readonly announced = new Set<string>();
  private readonly completed = new Set<string>();

  onMessage([message, metadata]: MessageTuple, emit: Emit): void {
    const { id } = message;
    if (id === undefined || this.completed.has(id)) {
      return;
    }
    if (!this.announced.has(id)) {
      this.announced.add(id);
      emit('messages/metadata', `{${JSON.stringify(id)}:{"metadata":${toMetadataJson(metadata)}}}`);
    }
    if (isPiece(message)) {
      const grown = this.growing.get(id)?.concat?.(message) ?? message;
      this.growing.set(id, grown);
      emit('messages/partial', toWireJson([grown]));
    } else {
      this.complete([message], emit);
    }
  }

  /** Messages that appear in the state are complete, also those of the input. */
  onValues(values: unknown, emit: Emit): void {
    const messages = typeof values === 'object' && values !== null && 'messages' in values ? values.messages : [];
    const inState = (Array.isArray(messages) ? messages : [messages]).filter(isMessage);
    this.complete(inState, emit);
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
