import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import {
  MULTITASK_STRATEGIES,
  type MultitaskStrategy,
  RUN_STATUSES,
  type RunEntity,
  type RunKwargs,
  type RunStatus,
} from '../run.entity.js';

/** One execution of an assistant on a thread (contract 2.9). */
export class Run {
  /** Id of the run. */
  @ApiProperty({ format: 'uuid' })
  run_id: string;
  /** Thread of the run; a hidden thread for stateless runs. */
  @ApiProperty({ format: 'uuid' })
  thread_id: string;
  /** Assistant of the run. */
  @ApiProperty({ format: 'uuid' })
  assistant_id: string;
  /** When the run was created. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
  /** When the status of the run last changed. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
  /** A run that stops at an interrupt of the graph ends as `success`, a cancelled run as `interrupted`. */
  @ApiProperty({ enum: RUN_STATUSES })
  status: RunStatus;
  /** Metadata of the assistant, the thread and the request, merged. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** The parameters of the run, with merged config and context. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  kwargs: RunKwargs;
  /** What the run does if the thread is busy. */
  @ApiProperty({ enum: MULTITASK_STRATEGIES })
  multitask_strategy: MultitaskStrategy;
  /**
   * Why the run was cancelled, if the client sent a reason; starts with `taken:` if another run has taken over its
   * input.
   */
  @ApiProperty({ type: String, nullable: true })
  cancel_reason: string | null;
}

/** Fields that `select` accepts (contract 2.14). */
export const RUN_FIELDS = [
  'run_id',
  'thread_id',
  'assistant_id',
  'created_at',
  'updated_at',
  'status',
  'metadata',
  'kwargs',
  'multitask_strategy',
  'cancel_reason',
] as const;

export type RunField = (typeof RUN_FIELDS)[number];

/** A row as the API shows it, limited to `fields`; never its lease or output. */
export const toRun = (row: Pick<RunEntity, RunField>, fields: readonly RunField[] = RUN_FIELDS): Run =>
  Object.fromEntries(fields.map((field) => [field, row[field]])) as unknown as Run;
