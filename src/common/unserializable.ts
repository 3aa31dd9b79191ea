import { errorText } from './errors/foreign-error.js';
import { isLangChainObject, langchainFields } from './langchain-fields.js';

type Key = string | number;

/** Why a value cannot be serialized, and the path of the cause. */
export interface Fault {
  path: readonly Key[];
  reason: string;
}

/** A value cannot be serialized: it contains itself, or its own code throws. */
export class UnserializableValueError extends Error {
  constructor(
    readonly fault: Fault,
    cause: unknown,
    place = fault.path.length > 0 ? toPath(fault.path) : 'the value',
  ) {
    super(`Cannot serialize ${place}: it ${fault.reason}.`, { cause });
    this.name = 'UnserializableValueError';
  }

  /** The same fault with the channel that contains the value. */
  inChannel(channel: string): UnserializableValueError {
    const { path, reason } = this.fault;
    const fault = { path: [channel, ...path], reason };
    return new UnserializableValueError(fault, this.cause, `channel "${channel}" at ${toPath(fault.path)}`);
  }
}

/** Explains an error that was thrown while `value` was serialized. */
export function explainUnserializable(value: unknown, cause: unknown): UnserializableValueError {
  const reason = cause instanceof RangeError ? 'is nested too deeply' : `throws ${errorText(cause)}`;
  let fault: Fault = { path: [], reason };
  try {
    fault = findFault(value, [], []) ?? fault;
  } catch {
    // The search overflows the stack, too, or the value behaves differently each time: report the original error.
  }
  return new UnserializableValueError(fault, cause);
}

function findFault(value: unknown, path: Key[], ancestors: object[]): Fault | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (ancestors.includes(value)) {
    return { path, reason: 'contains itself' };
  }
  let replacement: unknown;
  try {
    if (isLangChainObject(value)) {
      return findInParts(langchainFields(value), path, [...ancestors, value]);
    }
    const { toJSON } = value as { toJSON?: unknown };
    replacement = typeof toJSON === 'function' ? toJSON.call(value, String(path.at(-1) ?? '')) : undefined;
  } catch (error) {
    return { path, reason: `has a toJSON that throws ${errorText(error)}` };
  }
  const inside = [...ancestors, value];
  return replacement === undefined ? findInParts(value, path, inside) : findFault(replacement, path, inside);
}

function findInParts(value: object, path: Key[], ancestors: object[]): Fault | undefined {
  const parts = value instanceof Map || value instanceof Set ? [...value] : value;
  for (const name of Object.keys(parts)) {
    const key = Array.isArray(parts) ? Number(name) : name;
    let part: unknown;
    try {
      part = (parts as Record<Key, unknown>)[name];
    } catch (error) {
      return { path: [...path, key], reason: `has a getter that throws ${errorText(error)}` };
    }
    const fault = findFault(part, [...path, key], ancestors);
    if (fault) {
      return fault;
    }
  }
  return undefined;
}

/** `messages[0].artifact["odd key"]` */
function toPath(path: readonly Key[]): string {
  const steps = path.map((key) => {
    if (typeof key === 'number') {
      return `[${key}]`;
    }
    return /^[\w$-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return steps.join('').replace(/^\./, '');
}
