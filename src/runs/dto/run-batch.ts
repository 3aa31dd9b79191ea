import { isObject, type JsonObject, ValidationFailedError } from '../../common/index.js';
import { validateDto } from '../../http/index.js';
import { RunCreateBatchItem } from './run-requests.dto.js';

/** Maximum number of runs per request. */
const MAX_BATCH_RUNS = 1_000;

/**
 * Reads the body of "create many runs". It accepts camel case, because the JS SDK sends its arguments as they are
 * (contract 1.3).
 */
export function readBatch(body: unknown): RunCreateBatchItem[] {
  if (!Array.isArray(body) || body.length === 0 || body.length > MAX_BATCH_RUNS) {
    const message = `the request body must be a list of 1 to ${MAX_BATCH_RUNS} runs`;
    throw new ValidationFailedError([{ path: '', message }]);
  }
  return body.map((item: unknown, index) => {
    if (!isObject(item)) {
      throw new ValidationFailedError([{ path: `[${index}]`, message: 'must be an object' }]);
    }
    return validateDto(RunCreateBatchItem, inSnakeCase(item), `[${index}]`);
  });
}

/** Converts keys to their wire names. If a key exists in both spellings, the snake case value wins. */
function inSnakeCase(item: JsonObject): JsonObject {
  const toSnake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { ...Object.fromEntries(Object.entries(item).map(([key, value]) => [toSnake(key), value])), ...item };
}
