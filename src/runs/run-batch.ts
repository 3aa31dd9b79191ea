import { isObject, type JsonObject, validateDto, ValidationFailedError } from '../common/index.js';
import { RunCreateBatchItem } from './dto/run-requests.dto.js';

/** Most runs that one request creates. */
const MOST_RUNS = 1_000;

/** The body of "create many runs". The JS SDK spreads its own arguments into it: camel case is read, too (contract 1.3). */
export function readBatch(body: unknown): RunCreateBatchItem[] {
  if (!Array.isArray(body) || body.length === 0 || body.length > MOST_RUNS) {
    const message = `the request body must be a list of 1 to ${MOST_RUNS} runs`;
    throw new ValidationFailedError([{ path: '', message }]);
  }
  return body.map((item: unknown, index) => {
    if (!isObject(item)) {
      throw new ValidationFailedError([{ path: `[${index}]`, message: 'must be an object' }]);
    }
    return validateDto(RunCreateBatchItem, inSnakeCase(item), `[${index}]`);
  });
}

/** Keys as they go over the wire; a key that is there in both spellings keeps its snake case value. */
function inSnakeCase(item: JsonObject): JsonObject {
  const toSnake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { ...Object.fromEntries(Object.entries(item).map(([key, value]) => [toSnake(key), value])), ...item };
}
