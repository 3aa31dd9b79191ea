import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { type ValidationError, validateSync } from 'class-validator';
import { type FieldProblem, ValidationFailedError, isObject } from '../../common/index.js';
import { instantiate } from './instantiate.js';
import { readQuery } from './query.js';

/** Validates bodies, path parameters and queries against their DTO class. Rejects with 422 and the path of the field. */
@Injectable()
export class DtoValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (!metatype || type === 'custom' || isBuiltIn(metatype)) {
      return value;
    }
    const plain = value ?? {};
    if (!isObject(plain)) {
      throw new ValidationFailedError([{ path: '', message: 'the request body must be a JSON object' }]);
    }
    const dtoClass = metatype as new () => object;
    return validateDto(dtoClass, type === 'body' ? plain : readQuery(dtoClass, plain));
  }
}

/** Returns an instance of the DTO, or throws {@link ValidationFailedError}. `at` is the path of the value in the request. */
export function validateDto<T extends object>(type: new () => T, plain: Record<string, unknown>, at = ''): T {
  const instance = instantiate(type, plain);
  const errors = validateSync(instance, { forbidUnknownValues: false });
  if (errors.length > 0) {
    throw new ValidationFailedError(errors.flatMap((error) => toProblems(error, at)));
  }
  return instance;
}

function toProblems(error: ValidationError, parent: string): FieldProblem[] {
  const path = parent ? `${parent}.${error.property}` : error.property;
  const own = Object.values(error.constraints ?? {}).map((message) => ({
    path,
    // The built-in messages begin with the name of the property, which is already in the path.
    message: message.startsWith(`${error.property} `) ? message.slice(error.property.length + 1) : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => toProblems(child, path))];
}

const isBuiltIn = (metatype: unknown): boolean =>
  metatype === Object || metatype === String || metatype === Number || metatype === Boolean || metatype === Array;
