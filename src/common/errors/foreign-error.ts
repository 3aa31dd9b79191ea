import { jsonbText } from '../json-text.js';

// What user code throws can be anything: a string, null, an object of another realm, a Proxy, an error whose fields are
// getters that throw. Only the functions here read it.

/** What went wrong, as clients see it: always two strings. */
export interface ErrorDescription {
  /** Class name of the error. */
  error: string;
  message: string;
}

const MAX_MESSAGE_LENGTH = 100_000;

/** A field of something foreign; undefined when it cannot be read. */
export function readField(thrown: unknown, field: string): unknown {
  try {
    return (thrown as Record<string, unknown> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}

/** Stored as it is sent: without the characters that PostgreSQL refuses. */
export function describeError(thrown: unknown): ErrorDescription {
  return { error: nameOf(thrown), message: storable(messageOf(thrown)) };
}

/** The same on one line, for states and log lines. */
export function errorText(thrown: unknown): string {
  const { error, message } = describeError(thrown);
  return message === '' ? error : `${error}: ${message}`;
}

/** Causes may form a circle. */
const MAX_CAUSES = 5;

/** For log entries: with the causes, which clients do not see. */
export function errorStack(thrown: unknown, causes = MAX_CAUSES): string {
  const stack = readField(thrown, 'stack');
  const text = typeof stack === 'string' && stack !== '' ? stack : errorText(thrown);
  const cause = readField(thrown, 'cause') ?? undefined;
  return cause === undefined || causes === 0 ? text : `${text}\nCaused by: ${errorStack(cause, causes - 1)}`;
}

/** What was thrown, or an error that says the same when not even `instanceof` can be asked of it. */
export function toInspectable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    const { error, message } = describeError(thrown);
    return Object.assign(new Error(message), { name: error });
  }
}

/** The name of an error's class. What is no error, e.g. a string, counts as a plain one. */
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

/** Runs foreign code (`toJSON`, `toString`), which may throw as well. */
function toText(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  try {
    return isPrimitive(value) ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return 'What was thrown cannot be shown.';
  }
}

const storable = (text: string): string =>
  JSON.parse(jsonbText(JSON.stringify(text.slice(0, MAX_MESSAGE_LENGTH)))) as string;
