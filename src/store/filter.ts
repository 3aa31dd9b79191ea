import { type AuthFilter, filterSql as authFilterSql } from '../auth/index.js';
import { isObject, isStorableJson, type JsonObject, ValidationFailedError } from '../common/index.js';

const COMPARISONS = { $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' } as const;
const OPERATORS = ['$eq', '$ne', ...Object.keys(COMPARISONS), '$in', '$nin'];

/** Filters that are nested deeper are refused. */
const MAX_LEVELS = 32;

type Comparison = keyof typeof COMPARISONS;

/** A condition on a value that containment cannot express. */
interface Condition {
  path: string[];
  operator: '$eq' | '$ne' | '$in' | '$nin' | Comparison;
  operand: unknown;
}

/** A parsed filter. */
export interface ItemFilter {
  /** Every matching value contains this; undefined when the filter has no equality. */
  contains?: JsonObject;
  /** Whether the index supports `contains`: it indexes the values in an object, but not the existence of an object. */
  isIndexed: boolean;
  conditions: readonly Condition[];
  /** The items that the caller may see; all when undefined. */
  visible?: AuthFilter;
}

/**
 * Parses a filter. Each member of the value must equal the given value or fulfil the given operators. An object without
 * operators is a filter for the members of an object. Throws {@link ValidationFailedError}.
 */
export function parseFilter(filter: JsonObject): ItemFilter {
  const conditions: Condition[] = [];
  const contained = parseMembers(filter, [], conditions);
  const contains = Object.keys(contained).length > 0 ? contained : undefined;
  return { contains, isIndexed: hasValue(contained), conditions };
}

/** Whether every value matches. */
export const isEmpty = ({ contains, conditions, visible }: ItemFilter): boolean =>
  !contains && conditions.length === 0 && !visible;

const hasValue = (part: unknown): boolean =>
  typeof part === 'object' && part !== null ? Object.values(part).some(hasValue) : true;

function parseMembers(filter: JsonObject, path: string[], conditions: Condition[]): JsonObject {
  if (path.length > MAX_LEVELS) {
    throw refusal(path, `must not be nested more than ${MAX_LEVELS} levels deep`);
  }
  const members = Object.entries(filter).map(([key, asked]) => [key, parseMember(asked, [...path, key], conditions)]);
  return Object.fromEntries(members.filter(([, contained]) => contained !== undefined)) as JsonObject;
}

/** Returns what the member must contain; undefined when containment cannot express it. */
function parseMember(asked: unknown, path: string[], conditions: Condition[]): unknown {
  assertStorable(asked, path);
  if (!isObject(asked)) {
    return parseOperator('$eq', asked, path, conditions);
  }
  const operators = Object.keys(asked).filter((key) => key.startsWith('$'));
  if (operators.length === 0) {
    // The member must be an object, even when the nested filter needs no containment.
    return parseMembers(asked, path, conditions);
  }
  const other = Object.keys(asked).find((key) => !OPERATORS.includes(key));
  if (other !== undefined) {
    throw refusal([...path, other], `is not an operator; use one of ${OPERATORS.join(', ')}`);
  }
  const contained = Object.entries(asked).map(([operator, operand]) =>
    parseOperator(operator as Condition['operator'], operand, path, conditions),
  );
  return contained.find((one) => one !== undefined);
}

function parseOperator(
  operator: Condition['operator'],
  operand: unknown,
  path: string[],
  conditions: Condition[],
): unknown {
  assertOperand(operator, operand, path);
  const isScalar = typeof operand !== 'object' || operand === null;
  // For a scalar, containment is equality. For an object or a list, it is weaker.
  if (operator !== '$eq' || !isScalar) {
    conditions.push({ path, operator, operand });
  }
  return operator === '$eq' ? operand : undefined;
}

function assertOperand(operator: Condition['operator'], operand: unknown, path: string[]): void {
  const isList = operator === '$in' || operator === '$nin';
  if (isList && !Array.isArray(operand)) {
    throw refusal([...path, operator], 'must be a list');
  }
  if (operator in COMPARISONS && typeof operand !== 'number' && typeof operand !== 'string') {
    throw refusal([...path, operator], 'must be a number or a string');
  }
}

function assertStorable(asked: unknown, path: string[]): void {
  if (!isStorableJson([path.at(-1), asked])) {
    throw refusal(path, 'must not contain NUL or unpaired surrogates');
  }
}

const refusal = (path: readonly string[], message: string): ValidationFailedError =>
  new ValidationFailedError([{ path: ['filter', ...path].join('.'), message }]);

/**
 * Builds the SQL condition on the columns of items; `true` for an empty filter. `parameter` adds a value and returns
 * its placeholder.
 */
export function filterSql(
  { contains, conditions, visible }: ItemFilter,
  parameter: (value: unknown) => string,
): string {
  const contained = contains ? [`value @> ${parameter(JSON.stringify(contains))}::jsonb`] : [];
  const asked = conditions.map((condition) => conditionSql(condition, parameter));
  return [...contained, ...asked, ...(visible ? [visibleSql(visible, parameter)] : [])].join(' AND ') || 'true';
}

/** Auth handlers see an item as its value with `key` and `namespace` added (behaviours 11.10). */
export const visibleSql = (visible: AuthFilter, parameter: (value: unknown) => string): string =>
  authFilterSql(visible, SEEN_BY_HANDLERS, parameter);

const SEEN_BY_HANDLERS = `(value || jsonb_build_object('key', key, 'namespace', to_jsonb(string_to_array(left(namespace, -1), '.'))))`;

function conditionSql({ path, operator, operand }: Condition, parameter: (value: unknown) => string): string {
  const keys = `${parameter(path)}::text[]`;
  const member = `(value #> ${keys})`;
  const json = (): string => `${parameter(JSON.stringify(operand))}::jsonb`;
  const isIn = (): string => {
    const values = (operand as unknown[]).map((value) => JSON.stringify(value));
    return `${member} = ANY(${parameter(values)}::jsonb[])`;
  };
  switch (operator) {
    case '$eq':
      return `${member} = ${json()}`;
    case '$ne':
      return `${member} IS DISTINCT FROM ${json()}`;
    case '$in':
      return isIn();
    case '$nin':
      return `(${isIn()}) IS NOT TRUE`;
    default: {
      const than = COMPARISONS[operator];
      return typeof operand === 'number'
        ? `(jsonb_typeof${member} = 'number' AND ${member} ${than} ${json()})`
        : `(jsonb_typeof${member} = 'string' AND (value #>> ${keys}) COLLATE "C" ${than} ${parameter(operand)}::text)`;
    }
  }
}
