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
import {
  canonicalId,
  canonicalIdList,
  withCanonicalIds,
  isUuid,
  isObject,
  hasMoreCharacters,
  hasMoreValues,
  isStorableJson,
} from '../../common/index.js';
import { nested, readAs, takesNull } from './instantiate.js';

/** Options of every field. */
interface FieldOptions {
  description?: string;
  example?: unknown;
  default?: unknown;
  /** Default: false. Null then counts as absent (JS clients send explicit nulls). */
  required?: boolean;
  /** Null is a distinct value and does not count as absent. */
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

/** Rejected, because a replaced character would not be found again. */
const isStorable = rule('isStorable', 'must not contain NUL or unpaired surrogates', isStorableJson);

/** Maximum number of values in an indexed object. */
const MAX_INDEXED_VALUES = 10_000;
/** Maximum number of values in a filter: PostgreSQL compares each of them with each value of a row. */
const MAX_FILTER_VALUES = 1_000;
/** Maximum number of characters in the keys and strings of an indexed object, and of a filter. */
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
/** Default maximum number of items in a list. */
export const MAX_ITEMS = 10_000;
/** Maximum number of items in a list of enum values. */
const MAX_CHOICES = 1_000;
const MAX_STRING_LENGTH = 10_000;
const isObjectsRule = rule(
  'areObjects',
  'must contain objects only',
  (list) => Array.isArray(list) && list.every(isObject),
);
const isObjectRule = rule('isJsonObject', 'must be an object', isObject);

/** A UUID, converted to lower case. */
export const Id = (options: FieldOptions = {}): PropertyDecorator =>
  field({ type: String, format: 'uuid' }, options, readAs(canonicalId), isUuidRule);

/** A string of at most `maxLength` characters (default 10,000). */
export const StringField = ({
  maxLength = MAX_STRING_LENGTH,
  ...options
}: FieldOptions & { maxLength?: number } = {}): PropertyDecorator =>
  field({ type: String, maxLength }, options, IsString(), MaxLength(maxLength), isStorable);

/** A UUID, converted to lower case, or any other string: a graph id, or the checkpoint id of another saver. */
export const IdOrName = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(StringField(options), readAs(canonicalId));

/** A JSON object with arbitrary keys that PostgreSQL can store unchanged. */
export const FreeObject = (options: FieldOptions = {}): PropertyDecorator =>
  field({ type: 'object', additionalProperties: true }, options, isObjectRule, isStorable);

/** A {@link FreeObject} that is indexed for search. The server stores its own ids under some of its keys. */
export const Metadata = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), isIndexable, readAs(withCanonicalIds));

/** Maximum number of members: LangGraph copies the settings of a run for each node and each callback. */
const MAX_SETTINGS = 1_000;

const hasFewMembers = rule(
  'hasFewMembers',
  `must have at most ${MAX_SETTINGS} members`,
  (value) => !isObject(value) || Object.keys(value).length <= MAX_SETTINGS,
);

/** A {@link FreeObject} that becomes part of the config of a graph invocation. */
export const Settings = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), isIndexable, hasFewMembers);

/** {@link Settings} in which the server stores its own ids under some keys. */
export const SettingsWithIds = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(Settings(options), readAs(withCanonicalIds));

/** A {@link FreeObject} that filters rows. */
export const Filter = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(FreeObject(options), hasAtMost(MAX_FILTER_VALUES, MAX_FILTER_CHARACTERS));

/** A {@link Filter} on {@link Metadata}. */
export const MetadataFilter = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(Filter(options), readAs(withCanonicalIds));

/** Any JSON value; its type is not checked. */
export const AnyJson = (options: FieldOptions = {}): PropertyDecorator =>
  field({ oneOf: [{}] }, { description: 'Any JSON.', ...options }, takesNull);

/** Maximum number of supersteps, and of updates per superstep: code of the graph runs for each of them sequentially. */
export const MAX_UPDATES = 1_000;

/** One update of a state, or a list of them. */
export const StateUpdates = (options: FieldOptions = {}): PropertyDecorator =>
  applyDecorators(
    AnyJson(options),
    rule('isBounded', `must have at most ${MAX_UPDATES} items`, (v) => !Array.isArray(v) || v.length <= MAX_UPDATES),
  );

export const BooleanField = (options: FieldOptions = {}): PropertyDecorator =>
  field({ type: Boolean }, options, IsBoolean());

/** An enum value. */
export const OneOf = (values: readonly string[], options: FieldOptions = {}): PropertyDecorator =>
  field({ enum: [...values] }, options, IsIn(values, { message: `must be one of ${values.join(', ')}` }));

/** A list of enum values. */
export const ListOf = (values: readonly string[], options: FieldOptions = {}): PropertyDecorator =>
  field(
    { enum: [...values], isArray: true, maxItems: MAX_CHOICES },
    options,
    IsArray(),
    ArrayMaxSize(MAX_CHOICES),
    IsIn(values, { each: true, message: `each must be one of ${values.join(', ')}` }),
  );

export const IdList = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    { type: [String], format: 'uuid', maxItems: MAX_ITEMS },
    options,
    readAs(canonicalIdList),
    IsArray(),
    ArrayMaxSize(MAX_ITEMS),
    ValidateBy(
      { name: 'isUuid', validator: { validate: isUuid, defaultMessage: () => 'each must be a UUID' } },
      { each: true },
    ),
  );

/** True for a list of strings within the bounds of {@link TextList}. */
export const isStringList = (value: unknown, maxItems = MAX_ITEMS): value is string[] =>
  Array.isArray(value) &&
  value.length <= maxItems &&
  value.every((item) => typeof item === 'string' && item.length <= MAX_STRING_LENGTH);

export const StringList = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    { type: [String], maxItems: MAX_ITEMS },
    options,
    IsArray(),
    IsString({ each: true }),
    ArrayMaxSize(MAX_ITEMS),
    MaxLength(MAX_STRING_LENGTH, { each: true }),
    isStorable,
  );

/** A whole number within bounds. */
export const IntegerField = ({
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

/** Swagger treats a function as a class, unless its name is `type`. */
const lazily = (resolve: () => new () => object): object => ({ type: () => resolve() });

/** A nested schema. With `storable`, its unknown members are checked, too: PostgreSQL must be able to store and index them. */
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
  { minimum = 0, maximum = MAX_ITEMS, ...options }: FieldOptions & { minimum?: number; maximum?: number } = {},
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

/** A field with its own schema and validation rule. */
export const Custom = (
  schema: object,
  message: string,
  validate: (value: unknown) => boolean,
  options: FieldOptions = {},
): PropertyDecorator => field(schema, options, rule('isCustom', message, validate));

/** The same for a field in which null is a distinct value and does not count as absent. */
export const CustomOrNull = (...[schema, message, validate, options]: Parameters<typeof Custom>): PropertyDecorator =>
  applyDecorators(
    Custom(schema, message, (value) => value === null || validate(value), options),
    takesNull,
  );

/** Page size, 1 to 1000. */
export const Limit = (initial = 10): PropertyDecorator =>
  IntegerField({ minimum: 1, maximum: 1000, default: initial, description: 'Maximum number of rows to return.' });

/** Number of rows to skip. */
export const Offset = (): PropertyDecorator =>
  IntegerField({ minimum: 0, default: 0, description: 'Number of rows to skip before the first returned row.' });
