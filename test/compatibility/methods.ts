import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A method of the SDKs' clients. */
export interface MethodRow {
  /** As Python spells it: `threads.get_state`. */
  method: string;
  /** What it sends: `GET /threads/{thread_id}/state`. */
  requests: string[];
  /** The first version of the Python SDK that has it. */
  python?: string;
  /** The versions of the JavaScript SDK that are tested here and have it. */
  javascript?: string[];
  /** What it needs that this server does not have yet. */
  missing?: string;
}

export const METHODS = JSON.parse(readFileSync(path.join(import.meta.dirname, 'methods.json'), 'utf8')) as MethodRow[];

/** `threads.getState` as Python spells it. */
export const inSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
