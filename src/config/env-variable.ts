/** Environment variables are strings: these schemas parse one into a value, and check the value. */
import * as z from 'zod/mini';
import { aNumber, aWholeNumber, integer, number, parsed, type Range, type Schema } from './schema.js';

const NUMBER = /^-?\d+(\.\d+)?$/;

const toNumber = (source: string): number | undefined => (NUMBER.test(source) ? Number(source) : undefined);

const toFlag = (source: string): boolean | undefined => ({ true: true, false: false })[source];

export const numberVariable = (range: Range = {}) => z.pipe(parsed(aNumber(range), toNumber), number(range));

export const integerVariable = (range: Range = {}) => z.pipe(parsed(aWholeNumber(range), toNumber), integer(range));

export const flagVariable = () => parsed('true or false', toFlag);

/** JSON of the schema that `schemaOf` returns for what is expected. */
export const jsonVariable = <T>(expected: string, schemaOf: (expected: string) => Schema<T>) =>
  z.pipe(parsed(expected, toJson), schemaOf(expected));

function toJson(source: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch {
    return undefined;
  }
}
