import { getMetadataStorage } from 'class-validator';

const NESTED = Symbol('nested');
const knownProperties = new WeakMap<object, string[]>();

/** Marks a property as holding an instance of another DTO class. */
export const nested =
  (type: () => new () => object): PropertyDecorator =>
  (target, property) =>
    Reflect.defineMetadata(NESTED, type, target, property);

/**
 * Makes a DTO from parsed JSON: known properties are taken over by reference, unknown ones are left behind
 * (contract R8), and null does not replace a default. class-transformer would copy every nested value, which costs seconds for inputs of many megabytes.
 */
export function instantiate<T extends object>(type: new () => T, plain: Record<string, unknown>): T {
  const instance = new type();
  const fields = instance as Record<string, unknown>;
  for (const property of propertiesOf(type)) {
    const value = plain[property];
    const keepsDefault = value === null && fields[property] !== undefined;
    if (value !== undefined && !keepsDefault) {
      fields[property] = nestedValue(type, property, value);
    }
  }
  return instance;
}

function nestedValue(type: new () => object, property: string, value: unknown): unknown {
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
