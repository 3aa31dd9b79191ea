import { ApiProperty } from '@nestjs/swagger';

/** One refused field. */
export class FieldProblemBody {
  /** Where the field is, e.g. `config.recursion_limit`. */
  path: string;
  /** What is wrong with it. */
  message: string;
}

/** Body of every error response (contract 0.4 R2). */
export class ErrorBody {
  /** What happened and what to do. */
  detail: string;
  /** Stable identifier of the error, see docs/errors.md. */
  code: string;
  /** The refused fields, for validation errors. */
  @ApiProperty({ type: [FieldProblemBody], required: false })
  errors?: FieldProblemBody[];
}
