import { ApiProperty } from '@nestjs/swagger';

/** One rejected field. */
export class FieldProblemBody {
  /** Path of the field, e.g. `config.recursion_limit`. */
  path: string;
  /** What is wrong with the field. */
  message: string;
}

/** Body of every error response (contract 0.4 R2). */
export class ErrorBody {
  /** What happened and what to do. */
  detail: string;
  /** Stable identifier of the error, see docs/errors.md. */
  code: string;
  /** The rejected fields, for validation errors. */
  @ApiProperty({ type: [FieldProblemBody], required: false })
  errors?: FieldProblemBody[];
}
