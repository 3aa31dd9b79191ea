import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import { Interrupt } from '../../execution/index.js';
import { THREAD_STATUSES, type ThreadEntity, type ThreadStatus } from '../thread.entity.js';

/** A conversation with its latest state (contract 2.4). */
export class Thread {
  /** Id of the thread. */
  @ApiProperty({ format: 'uuid' })
  thread_id: string;
  /** When it was created. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
  /** When anything about it changed last. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
  /** When its state changed last; null before the first checkpoint. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  state_updated_at: Date | null;
  /** Keys of the caller's choice; runs add `graph_id` and `assistant_id`. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** `busy` while a run is pending or running, `interrupted` when it waits for an answer. */
  @ApiProperty({ enum: THREAD_STATUSES })
  status: ThreadStatus;
  /** Config of the last run. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  config: JsonObject;
  /** Current state of the root graph; null before the first run. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  values: unknown;
  /** Questions that wait for an answer, by task id. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'array', items: { $ref: '#/components/schemas/Interrupt' } },
  })
  interrupts: Record<string, Interrupt[]>;
  /** What the last run failed with, if it did. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  error: unknown;
  /** When it goes, if it does; only when `include` asks for it. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  ttl?: object | null;
  /** What `extract` has asked for; null for what is not there. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  extracted?: Record<string, unknown>;
}

/** Fields a search may be limited to (contract 2.14). */
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

/** What `select` takes: clients may name `context`, which threads of this server do not have. */
export const THREAD_SELECT = [...THREAD_FIELDS, 'context'] as const;

export type ThreadSelect = (typeof THREAD_SELECT)[number];

/** The names that are columns. */
export const isThreadField = (name: ThreadSelect): name is ThreadField => name !== 'context';

/** A row as the API shows it, limited to `fields`. */
export function toThread(row: ThreadEntity, fields: readonly ThreadSelect[] = THREAD_FIELDS): Thread {
  const value = (field: ThreadSelect): unknown => (isThreadField(field) ? (row[field] ?? null) : null);
  return Object.fromEntries(fields.map((field) => [field, value(field)])) as unknown as Thread;
}
