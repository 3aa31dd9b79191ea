import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import { Interrupt } from '../../execution/index.js';
import { THREAD_STATUSES, type ThreadEntity, type ThreadStatus } from '../thread.entity.js';

/** A conversation with its latest state (contract 2.4). */
export class Thread {
  /** Id of the thread. */
  @ApiProperty({ format: 'uuid' })
  thread_id: string;
  /** Creation time. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
  /** Time of the last change. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
  /** Time of the last state change; null before the first checkpoint. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  state_updated_at: Date | null;
  /** Metadata; runs add `graph_id` and `assistant_id`. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** `busy` while a run is pending or running, `interrupted` while an interrupt or breakpoint is pending. */
  @ApiProperty({ enum: THREAD_STATUSES })
  status: ThreadStatus;
  /** Config of the last run. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  config: JsonObject;
  /** Newest state of the root graph; null before the first run. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  values: unknown;
  /** Pending interrupts by task id. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'array', items: { $ref: '#/components/schemas/Interrupt' } },
  })
  interrupts: Record<string, Interrupt[]>;
  /** Error of the last run, if it failed. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  error: unknown;
  /** TTL and expiry time, or null; only if requested with `include`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  ttl?: object | null;
  /** Values requested with `extract`; null for a missing value. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  extracted?: Record<string, unknown>;
}

/** Fields that a search can select (contract 2.14). */
export const THREAD_FIELDS = [
  'thread_id',
  'created_at',
  'updated_at',
  'state_updated_at',
  'metadata',
  'config',
  'status',
  'values',
  'interrupts',
  'error',
] as const;

export type ThreadField = (typeof THREAD_FIELDS)[number];

/** Values of `select`: clients may send `context`, which threads of this server do not have. */
export const THREAD_SELECT = [...THREAD_FIELDS, 'context'] as const;

export type ThreadSelect = (typeof THREAD_SELECT)[number];

/** True for names that are columns. */
export const isThreadField = (name: ThreadSelect): name is ThreadField => name !== 'context';

/** Converts a row to its API form with the given `fields`. */
export function toThread(row: ThreadEntity, fields: readonly ThreadSelect[] = THREAD_FIELDS): Thread {
  const value = (field: ThreadSelect): unknown => (isThreadField(field) ? (row[field] ?? null) : null);
  return Object.fromEntries(fields.map((field) => [field, value(field)])) as unknown as Thread;
}
