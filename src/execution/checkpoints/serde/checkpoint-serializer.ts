import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { explainUnserializable } from '../../../common/index.js';
import { encode, isPlain } from './encode.js';
import { MAY_BE_MARKED, UNDEFINED } from './marks.js';
import { revive } from './revive.js';

type Serializer = BaseCheckpointSaver['serde'];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Reads and writes the format of LangGraph's own serializer, but treats everything in a state as data. A value is restored
 * unchanged, or its write is rejected with an {@link UnserializableValueError}. See docs/decisions/0008-checkpoint-serde.md.
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
    // JSON.stringify omits a function, on the wire too, so it is stored as undefined.
    return JSON.stringify(isPlain(value) ? value : encode(value)) ?? JSON.stringify(UNDEFINED);
  } catch (error) {
    throw explainUnserializable(value, error);
  }
}

function fromJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return MAY_BE_MARKED.test(json) ? revive(value) : value;
}
