import { getMetadataStorage } from 'class-validator';

const NESTED = Symbol('nested');
const TAKES_NULL = Symbol('takes-null');
const OPEN = Symbol('open');
const READ_AS = Symbol('read-as');
const knownProperties = new WeakMap<object, string[]>();

/** Marks a property as holding an instance of another DTO class. */
export const nested =
  (type: () => new () => object): PropertyDecorator =>
  (target, property) =>
    Reflect.defineMetadata(NESTED, type, target, property);

/** Marks a property in which null is a distinct value and does not count as absent. */
export const takesNull: PropertyDecorator = (target, property) =>
  Reflect.defineMetadata(TAKES_NULL, true, target, property);

/** Converts the value of a property with `read` before it is validated. */
export const readAs =
  (read: (value: unknown) => unknown): PropertyDecorator =>
  (target, property) =>
    Reflect.defineMetadata(READ_AS, read, target, property);

/** Marks a DTO class that keeps unknown fields. */
export const Open: ClassDecorator = (target) => Reflect.defineMetadata(OPEN, true, target.prototype as object);

/**
 * Creates a DTO from parsed JSON: copies known properties by reference, drops unknown ones (contract R8), and treats null as
 * absent. class-transformer would copy every nested value, which takes seconds for inputs of many megabytes.
 */
export function instantiate<T extends object>(type: new () => T, plain: Record<string, unknown>): T {
  const prototype = type.prototype as object;
  const instance = new type();
  const fields = instance as Record<string, unknown>;
  if (Reflect.hasMetadata(OPEN, prototype)) {
    Object.assign(fields, plain);
  }
  for (const property of propertiesOf(type)) {
    const value = plain[property];
    const isAbsent = value === undefined || (value === null && !Reflect.hasMetadata(TAKES_NULL, prototype, property));
    if (!isAbsent) {
      fields[property] = nestedValue(type, property, value);
    } else if (fields[property] === undefined || fields[property] === null) {
      // A declared property exists with undefined. Deleted, so that spreading the DTO over another object replaces nothing.
      delete fields[property];
    }
  }
  return instance;
}

function nestedValue(type: new () => object, property: string, sent: unknown): unknown {
  const read = Reflect.getMetadata(READ_AS, type.prototype as object, property) as
    ((value: unknown) => unknown) | undefined;
  const value = read ? read(sent) : sent;
  const nestedType = Reflect.getMetadata(NESTED, type.prototype as object, property) as
    (() => new () => object) | undefined;
  if (!nestedType || typeof value !== 'object' || value === null) {
    return value;
  }
  const convert = (item: unknown): unknown =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? instantiate(nestedType(), item as Record<string, unknown>)
      : item;
  return Array.isArray(value) ? value.map(convert) : convert(value);
}

function propertiesOf(type: new () => object): string[] {
  let properties = knownProperties.get(type);
  if (!properties) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
    properties = [...new Set(metadata.map(({ propertyName }) => propertyName))];
    knownProperties.set(type, properties);
  }
  return properties;
}
