import { jsonbText } from '../json-text.js';

// User code can throw any value: a string, null, an object of another realm, a Proxy, an error with getters that throw.
// Only the functions in this file read such a value.

/** An error in the form that clients receive: always two strings. */
export interface ErrorDescription {
  /** Class name of the error. */
  error: string;
  message: string;
}

const MAX_MESSAGE_LENGTH = 100_000;

/** Reads a field of a thrown value; undefined if it cannot be read. */
export function readField(thrown: unknown, field: string): unknown {
  try {
    return (thrown as Record<string, unknown> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}

/** Describes a thrown value, without the characters that PostgreSQL cannot store: what is stored equals what is sent. */
export function describeError(thrown: unknown): ErrorDescription {
  return { error: nameOf(thrown), message: storable(messageOf(thrown)) };
}

/** {@link describeError} on one line, for states and log lines. */
export function errorText(thrown: unknown): string {
  const { error, message } = describeError(thrown);
  return message === '' ? error : `${error}: ${message}`;
}

/** Limits the chain of causes, which may be circular. */
const MAX_CAUSES = 5;

/** The stack with all causes, for the log. Clients do not receive it. */
export function errorStack(thrown: unknown, causes = MAX_CAUSES): string {
  const stack = readField(thrown, 'stack');
  const text = typeof stack === 'string' && stack !== '' ? stack : errorText(thrown);
  const cause = readField(thrown, 'cause') ?? undefined;
  return cause === undefined || causes === 0 ? text : `${text}\nCaused by: ${errorStack(cause, causes - 1)}`;
}

/** Returns the thrown value, or an equivalent error if `instanceof` throws on it. */
export function toInspectable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    const { error, message } = describeError(thrown);
    return Object.assign(new Error(message), { name: error });
  }
}

/** The class name of an error. A value that is not an error, such as a string, counts as `Error`. */
function nameOf(thrown: unknown): string {
  const className = readField(readField(thrown, 'constructor'), 'name');
  const names = isPrimitive(thrown) ? [] : [readField(thrown, 'name'), className];
  const name = names.find((one) => typeof one === 'string' && one !== '' && one !== 'Object');
  return storable((name as string | undefined) ?? 'Error');
}

function messageOf(thrown: unknown): string {
  if (isPrimitive(thrown)) {
    return toText(thrown);
  }
  const message = readField(thrown, 'message');
  if (message !== undefined) {
    return toText(message);
  }
  const whole = toText(thrown);
  return whole === '{}' ? '' : whole;
}

const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function');

/** Calls user code (`toJSON`, `toString`), which may throw, too. */
function toText(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  try {
    return isPrimitive(value) ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return 'The thrown value cannot be converted to a string.';
  }
}

const storable = (text: string): string =>
  JSON.parse(jsonbText(JSON.stringify(text.slice(0, MAX_MESSAGE_LENGTH)))) as string;
