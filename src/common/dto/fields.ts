import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  buildMessage,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { canonicalId, canonicalIdList, withCanonicalIds } from '../canonical-ids.js';
import { isUuid } from '../ids.js';
import { isObject } from '../json.js';
import { hasMoreCharacters, hasMoreValues, isStorableJson } from '../json-values.js';
import { nested, readAs, takesNull } from './instantiate.js';

/** What every field may say besides its type. */
interface FieldOptions {
  description?: string;
  example?: unknown;
  default?: unknown;
  /** False unless said otherwise: then null is as good as absent (JS clients send explicit nulls). */
  required?: boolean;
  /** Null is a value of its own, not another way of leaving it out. */
  nullable?: boolean;
}

function field(
  schema: object,
  { required = false, ...rest }: FieldOptions,
  ...rules: PropertyDecorator[]
): PropertyDecorator {
  const property = ApiProperty({ ...schema, ...rest, required });
  const presence = [...(required ? [] : [IsOptional()]), ...(rest.nullable ? [takesNull] : [])];
  return applyDecorators(property, ...presence, ...rules);
}

const rule = (name: string, message: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: buildMessage((each) => `${each}${message}`) } });

/** Refused rather than stored as something else, which would not be found again. */
const isStorable = rule('isStorable', 'must not contain NUL or half characters', isStorableJson);

/** Values of an object that goes into an index. */
const MAX_INDEXED_VALUES = 10_000;
/** Values of a filter: PostgreSQL compares each of them with each value of a row. */
const MAX_FILTER_VALUES = 1_000;
/** Characters of all keys and strings of an object that goes into an index, and of a filter. */
const MAX_INDEXED_CHARACTERS = 1_048_576;
const MAX_FILTER_CHARACTERS = 262_144;

const hasAtMost = (values: number, characters: number): PropertyDecorator =>
  applyDecorators(
    rule(
      'hasFewValues',
      `must have at most ${values} values, itself included`,
      (value) => !hasMoreValues(value, values),
    ),
    rule(
      'isShort',
      `must have at most ${characters} characters in its keys and strings`,
      (value) => !hasMoreCharacters(value, characters),
    ),
  );

const isIndexable = hasAtMost(MAX_INDEXED_VALUES, MAX_INDEXED_CHARACTERS);

const isUuidRule = rule('isUuid', 'must be a UUID', isUuid);
/** Items of a list, unless its field says otherwise. */
export const MOST_ITEMS = 10_000;
/** A list of words from a fixed list: each once would do. */
const MOST_WORDS = 1_000;
const LONGEST_TEXT = 10_000;
const isObjectsRule = rule(
  'areObjects',
  'must contain objects only',
  (list) => Array.isArray(list) && list.every(isObject),
);
const isObjectRule = rule('isJsonObject', 'must be an object', isObject);

/** A UUID, taken in lower case. */
export const Id = (options: FieldOptions = {}): PropertyDecorator =>
  field({ type: String, format: 'uuid' }, options, readAs(canonicalId), isUuidRule);

/** A text of at most 10,000 characters unless `maxLength` says otherwise. */
export const Text = ({
  maxLength = LONGEST_TEXT,
  ...options
}: FieldOptions & { maxLength?: number } = {}): PropertyDecorator =>
  field({ type: String, maxLength }, options, IsString(), MaxLength(maxLength), isStorable);

/** A UUID, taken in lower case, or a string that is none: the graph of an assistant, the checkpoint of another saver. */
export const IdOrName = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(Text(options), readAs(canonicalId));

/** A JSON object with keys of the caller's choice, which PostgreSQL can hold as it is. */
export const FreeObject = (options: FieldOptions = {}): PropertyDecorator =>
  field({ type: 'object', additionalProperties: true }, options, isObjectRule, isStorable);

/** A {@link FreeObject} that rows are found by, in which the server keeps ids of its own under some keys. */
export const Metadata = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), isIndexable, readAs(withCanonicalIds));

/** LangGraph copies the settings of a run, member by member, for each node and each callback. */
const MAX_SETTINGS = 1_000;

const hasFewMembers = rule(
  'hasFewMembers',
  `must have at most ${MAX_SETTINGS} members`,
  (value) => !isObject(value) || Object.keys(value).length <= MAX_SETTINGS,
);

/** A {@link FreeObject} that becomes part of the config with which a graph is called. */
export const Settings = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), isIndexable, hasFewMembers);

/** {@link Settings} in which the server keeps ids of its own under some keys. */
export const SettingsWithIds = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(Settings(options), readAs(withCanonicalIds));

/** A {@link FreeObject} that rows are compared with. */
export const Filter = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), hasAtMost(MAX_FILTER_VALUES, MAX_FILTER_CHARACTERS));

/** A {@link Filter} that is compared with {@link Metadata}. */
export const MetadataFilter = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(Filter(options), readAs(withCanonicalIds));

/** Any JSON at all: not even its type is checked. */
export const AnyJson = (options: FieldOptions = {}): PropertyDecorator =>
  field({ oneOf: [{}] }, { description: 'Any JSON.', ...options }, takesNull);

/** Supersteps of a thread, updates of a superstep: the graph's own code runs for each, one behind the other. */
export const MAX_UPDATES = 1_000;

/** One update of a state, or a list of them. */
export const StateUpdates = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(
    AnyJson(options),
    rule('isBounded', `must have at most ${MAX_UPDATES} items`, (v) => !Array.isArray(v) || v.length <= MAX_UPDATES),
  );

export const Flag = (options: FieldOptions = {}): PropertyDecorator => field({ type: Boolean }, options, IsBoolean());

/** One of a fixed list of words. */
export const OneOf = (values: readonly string[], options: FieldOptions = {}): PropertyDecorator =>
  field({ enum: [...values] }, options, IsIn(values, { message: `must be one of ${values.join(', ')}` }));

/** A list of words from a fixed list. */
export const ListOf = (values: readonly string[], options: FieldOptions = {}): PropertyDecorator =>
  field(
    { enum: [...values], isArray: true, maxItems: MOST_WORDS },
    options,
    IsArray(),
    ArrayMaxSize(MOST_WORDS),
    IsIn(values, { each: true, message: `each must be one of ${values.join(', ')}` }),
  );

export const IdList = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    { type: [String], format: 'uuid', maxItems: MOST_ITEMS },
    options,
    readAs(canonicalIdList),
    IsArray(),
    ArrayMaxSize(MOST_ITEMS),
    ValidateBy(
      { name: 'isUuid', validator: { validate: isUuid, defaultMessage: () => 'each must be a UUID' } },
      { each: true },
    ),
  );

/** True for a list of texts within the bounds that every list of texts has. */
export const isTexts = (value: unknown, most = MOST_ITEMS): value is string[] =>
  Array.isArray(value) &&
  value.length <= most &&
  value.every((text) => typeof text === 'string' && text.length <= LONGEST_TEXT);

export const TextList = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    { type: [String], maxItems: MOST_ITEMS },
    options,
    IsArray(),
    IsString({ each: true }),
    ArrayMaxSize(MOST_ITEMS),
    MaxLength(LONGEST_TEXT, { each: true }),
    isStorable,
  );

/** A whole number within bounds. */
export const Whole = ({
  minimum,
  maximum,
  ...options
}: FieldOptions & { minimum?: number; maximum?: number } = {}): PropertyDecorator =>
  field(
    { type: 'integer', minimum, maximum },
    options,
    IsInt(),
    Min(minimum ?? Number.MIN_SAFE_INTEGER),
    Max(maximum ?? Number.MAX_SAFE_INTEGER),
  );

/** Swagger takes a function for a class, unless its name is `type`. */
const lazily = (resolve: () => new () => object): object => ({ type: () => resolve() });

/** A nested schema; with `storable`, also what it does not know must be something that PostgreSQL can hold, and bounded. */
export const Nested = (
  type: () => new () => object,
  { storable = false, ...options }: FieldOptions & { storable?: boolean } = {},
): PropertyDecorator =>
  field(
    lazily(type),
    options,
    isObjectRule,
    ...(storable ? [isStorable, isIndexable] : []),
    ValidateNested(),
    nested(type),
  );

/** A list of nested schemas. */
export const NestedList = (
  type: () => new () => object,
  { minimum = 0, maximum = MOST_ITEMS, ...options }: FieldOptions & { minimum?: number; maximum?: number } = {},
): PropertyDecorator =>
  field(
    { ...lazily(type), isArray: true, minItems: minimum, maxItems: maximum },
    options,
    IsArray(),
    ArrayMinSize(minimum),
    ArrayMaxSize(maximum),
    isObjectsRule,
    ValidateNested(),
    nested(type),
  );

/** A field whose values no other decorator describes: its schema and the rule that checks it. */
export const Custom = (
  schema: object,
  message: string,
  validate: (value: unknown) => boolean,
  options: FieldOptions = {},
): PropertyDecorator => field(schema, options, rule('isCustom', message, validate));

/** The same, where null says something else than leaving the field out. */
export const CustomOrNull = (...[schema, message, validate, options]: Parameters<typeof Custom>): PropertyDecorator =>
  applyDecorators(
    Custom(schema, message, (value) => value === null || validate(value), options),
    takesNull,
  );

/** How many rows a page holds, 1 to 1000. */
export const Limit = (initial = 10): PropertyDecorator =>
  Whole({ minimum: 1, maximum: 1000, default: initial, description: 'How many rows to return at most.' });

/** How many rows to skip. */
export const Offset = (): PropertyDecorator =>
  Whole({ minimum: 0, default: 0, description: 'How many rows to skip before the first one returned.' });
