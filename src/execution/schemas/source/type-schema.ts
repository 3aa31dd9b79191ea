import ts from 'typescript';
import type { JsonSchema } from '../graph-schemas.js';
import { isBaseMessage, isMessage, isMessageLike, isMessages } from './message-types.js';
import { messageSchema } from './message-schema.js';

export const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';

/**
 * Types beyond these limits become `{}`. Some types are infinite, because each instance of a generic type contains another
 * one. Others reach half of a library, because the state contains one of its classes.
 */
const MAX_LEVELS = 24;
const MAX_TYPES = 1_000;

/**
 * Converts an inferred TypeScript type to the JSON schema of its values in wire format. Each instance creates one document.
 * Recursive types and messages go into its `definitions`.
 */
export class TypeSchema {
  private readonly definitions: Record<string, JsonSchema> = {};
  /** Types being converted, outermost first; a type that contains itself refers to its definition. */
  private readonly open: ts.Type[] = [];
  /** Schemas of named types, which later occurrences refer to. */
  private readonly converted = new Map<ts.Type, JsonSchema>();
  private readonly names = new Map<ts.Type, string>();
  private count = 0;

  private constructor(private readonly checker: ts.TypeChecker) {}

  /** Undefined when the type does not constrain its values. */
  static of(type: ts.Type, checker: ts.TypeChecker): JsonSchema | undefined {
    const document = new TypeSchema(checker);
    const schema = document.convert(type);
    if (!schema || Object.keys(schema).length === 0) {
      return undefined;
    }
    const { definitions } = document;
    return { ...schema, ...(Object.keys(definitions).length > 0 && { definitions }), $schema: DRAFT_07 };
  }

  /** Undefined for types that JSON cannot represent: functions, symbols, `undefined`. */
  private convert(type: ts.Type): JsonSchema | undefined {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) {
      return {};
    }
    if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.ESSymbolLike | ts.TypeFlags.Never)) {
      return undefined;
    }
    if (type.isUnion() && !(flags & ts.TypeFlags.Boolean)) {
      return this.union(type);
    }
    return this.primitive(type) ?? this.structured(type);
  }

  private primitive(type: ts.Type): JsonSchema | undefined {
    const { flags } = type;
    if (type.isStringLiteral() || type.isNumberLiteral()) {
      return { type: typeof type.value, const: type.value };
    }
    if (flags & ts.TypeFlags.BooleanLiteral) {
      return { type: 'boolean', const: this.checker.typeToString(type) === 'true' };
    }
    if (flags & (ts.TypeFlags.StringLike | ts.TypeFlags.BigIntLike)) {
      return { type: 'string' };
    }
    if (flags & ts.TypeFlags.NumberLike) {
      return { type: 'number' };
    }
    if (flags & ts.TypeFlags.BooleanLike) {
      return { type: 'boolean' };
    }
    return flags & ts.TypeFlags.Null ? { type: 'null' } : undefined;
  }

  private structured(type: ts.Type): JsonSchema | undefined {
    if (type.flags & ts.TypeFlags.Instantiable) {
      const constraint = this.checker.getBaseConstraintOfType(type);
      return constraint && constraint !== type ? this.convert(constraint) : {};
    }
    if (isMessage(type, this.checker)) {
      return this.message(type);
    }
    if (isFromLib(type, 'Date')) {
      return { type: 'string', format: 'date-time' };
    }
    if (isFunction(type)) {
      return undefined;
    }
    const branded = type.isIntersection() ? type.types.find((part) => this.primitive(part)) : undefined;
    return branded ? this.convert(branded) : this.once(type, () => this.arrayOrObject(type));
  }

  private arrayOrObject(type: ts.Type): JsonSchema {
    if (this.checker.isTupleType(type)) {
      return this.tuple(type as ts.TupleTypeReference);
    }
    if (this.checker.isArrayType(type)) {
      const [item] = this.checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: this.convert(item) ?? {} };
    }
    return this.object(type);
  }

  private tuple(type: ts.TupleTypeReference): JsonSchema {
    const { minLength, elementFlags } = type.target;
    const items = this.checker.getTypeArguments(type).map((item) => this.convert(item) ?? {});
    const rest = elementFlags.findIndex((flag) => flag & ts.ElementFlags.Variable);
    return rest === -1
      ? { type: 'array', items, minItems: minLength, maxItems: items.length }
      : { type: 'array', items: items.slice(0, rest), additionalItems: items[rest], minItems: minLength };
  }

  private object(type: ts.Type): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const property of this.checker.getPropertiesOfType(type).filter(isOnWire)) {
      const value = this.checker.getTypeOfSymbol(property);
      const schema = this.convert(value);
      if (schema) {
        properties[property.name] = { ...schema, ...this.descriptionOf(property) };
        if (!(property.flags & ts.SymbolFlags.Optional) && !takesUndefined(value)) {
          required.push(property.name);
        }
      }
    }
    const others = this.checker.getIndexInfoOfType(type, ts.IndexKind.String);
    const additional = others && this.convert(others.type);
    return {
      type: 'object',
      ...(Object.keys(properties).length > 0 && { properties }),
      ...(required.length > 0 && { required }),
      ...(additional && Object.keys(additional).length > 0 && { additionalProperties: additional }),
    };
  }

  private descriptionOf(symbol: ts.Symbol): JsonSchema {
    const description = ts.displayPartsToString(symbol.getDocumentationComment(this.checker)).trim();
    return description ? { description } : {};
  }

  private union(type: ts.UnionType): JsonSchema | undefined {
    const members = type.types.filter((member) => !isOverwrite(member));
    if (isMessages(members, this.checker)) {
      return { type: 'array', items: this.message(members.find((member) => isBaseMessage(member))!) };
    }
    if (isMessageLike(members, this.checker)) {
      return this.message(members.find((member) => isBaseMessage(member))!);
    }
    const schemas = members.map((member) => this.convert(member)).filter((schema) => schema !== undefined);
    const distinct = [...new Map(mergeConstants(schemas).map((schema) => [JSON.stringify(schema), schema])).values()];
    return distinct.length > 1 ? { anyOf: distinct } : distinct[0];
  }

  private message(type: ts.Type): JsonSchema {
    const name = this.nameOf(type);
    const description = this.descriptionOf(type.symbol).description as string | undefined;
    this.definitions[name] ??= messageSchema(type.symbol.name, description ?? type.symbol.name);
    return { $ref: `#/definitions/${name}` };
  }

  /** Converts a type once, although it may contain itself or occur again. */
  private once(type: ts.Type, convert: () => JsonSchema): JsonSchema {
    if (this.open.includes(type) || this.converted.has(type)) {
      return this.refer(type);
    }
    this.count += 1;
    if (this.open.length >= MAX_LEVELS || this.count > MAX_TYPES) {
      return {};
    }
    this.open.push(type);
    const schema = convert();
    this.open.pop();
    if (hasName(type, this.checker)) {
      this.converted.set(type, schema);
    }
    const name = this.names.get(type);
    if (name === undefined) {
      return schema;
    }
    this.definitions[name] = schema;
    return { $ref: `#/definitions/${name}` };
  }

  private refer(type: ts.Type): JsonSchema {
    const name = this.names.get(type) ?? this.freeName(type);
    this.names.set(type, name);
    const schema = this.converted.get(type);
    if (schema) {
      this.definitions[name] = schema;
    }
    return { $ref: `#/definitions/${name}` };
  }

  private nameOf(type: ts.Type): string {
    return this.checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation).replace(/\s/g, '');
  }

  /** Types with the same name in different files get separate definitions. */
  private freeName(type: ts.Type): string {
    const name = type.aliasSymbol?.name ?? this.nameOf(type);
    const taken = new Set([...Object.keys(this.definitions), ...this.names.values()]);
    let number = 1;
    while (taken.has(number === 1 ? name : `${name}_${number}`)) {
      number += 1;
    }
    return number === 1 ? name : `${name}_${number}`;
  }
}

/** Merges constants of one type into an `enum`; `true` and `false` together become `boolean`. */
function mergeConstants(schemas: JsonSchema[]): JsonSchema[] {
  const isConstant = (schema: JsonSchema): boolean => 'const' in schema;
  const others = schemas.filter((schema) => !isConstant(schema));
  const types = [...new Set(schemas.filter(isConstant).map(({ type }) => type))];
  const merged = types.map((type) => {
    const values = schemas.filter((schema) => isConstant(schema) && schema.type === type).map((schema) => schema.const);
    return type === 'boolean' && values.length > 1 ? { type } : { type, enum: values };
  });
  return [...merged, ...others];
}

/** LangGraph adds `Overwrite` to the update type of every channel with a reducer; clients send plain values. */
const isOverwrite = (type: ts.Type): boolean =>
  (type.aliasSymbol ?? type.symbol)?.name.startsWith('Overwrite') ?? false;

const takesUndefined = (type: ts.Type): boolean =>
  (type.isUnion() ? type.types : [type]).some(({ flags }) => flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void));

/** True for an interface, a class, or an alias of the user. An alias of the library like `Record` is expanded. */
function hasName(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (checker.isArrayType(type) || checker.isTupleType(type)) {
    return false;
  }
  const isDeclared = Boolean((type.symbol?.flags ?? 0) & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface));
  return isDeclared || (type.aliasSymbol !== undefined && !isOfLib(type.aliasSymbol));
}

const isFunction = (type: ts.Type): boolean =>
  type.getCallSignatures().length + type.getConstructSignatures().length > 0 && type.getProperties().length === 0;

const isFromLib = (type: ts.Type, name: string): boolean => type.symbol?.name === name && isOfLib(type.symbol);

const isOfLib = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).some((declaration) =>
    /[\\/]lib\.[^\\/]*d\.ts$/.test(declaration.getSourceFile().fileName),
  );

/** Excludes symbols, private members, and type-only members, whose names start with `~`. */
const isOnWire = (property: ts.Symbol): boolean =>
  !/^(__@|__#|~)/.test(property.name) &&
  (property.declarations ?? []).every(
    (declaration) =>
      !(ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)),
  );
