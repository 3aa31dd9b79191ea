import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { explainUnserializable } from '../../../common/index.js';
import { encode, isPlain } from './encode.js';
import { MAY_BE_MARKED, UNDEFINED } from './marks.js';
import { revive } from './revive.js';

type Serializer = BaseCheckpointSaver['serde'];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Writes and reads what LangGraph's own serializer does, in its format, and treats everything in a state as data: a value
 * comes back as what it was, or is refused with an {@link UnserializableValueError} when it is written. See
 * docs/decisions/0008-checkpoint-serde.md.
 */
export class CheckpointSerializer implements Serializer {
  // eslint-disable-next-line @typescript-eslint/require-await -- by contract; what is thrown rejects
  async dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    return value instanceof Uint8Array ? ['bytes', value] : ['json', encoder.encode(toJson(value))];
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- by contract; what is thrown rejects
  async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    switch (type) {
      case 'json':
        return fromJson(typeof data === 'string' ? data : decoder.decode(data));
      case 'bytes':
        return typeof data === 'string' ? encoder.encode(data) : data;
      default:
        throw new Error(`Unknown serialization type: ${type}`);
    }
  }
}

function toJson(value: unknown): string {
  try {
    // A function is written as what it is on the wire: nothing.
    return JSON.stringify(isPlain(value) ? value : encode(value)) ?? JSON.stringify(UNDEFINED);
  } catch (error) {
    throw explainUnserializable(value, error);
  }
}

function fromJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return MAY_BE_MARKED.test(json) ? revive(value) : value;
}
