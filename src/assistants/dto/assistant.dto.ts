import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import type { AssistantEntity, AssistantVersionEntity } from '../assistant.entity.js';

/** One version of an assistant (contract 2.1). */
export class AssistantVersion {
  /** Id of the assistant. */
  @ApiProperty({ format: 'uuid' })
  assistant_id: string;
  /** Graph of the assistant. */
  graph_id: string;
  /** Version number, starting at 1. */
  @ApiProperty({ type: 'integer' })
  version: number;
  /** Display name. */
  name: string;
  /** Description of the assistant. */
  @ApiProperty({ type: String, nullable: true })
  description: string | null;
  /** Default config of its runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  config: JsonObject;
  /** Default context of its runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  context: JsonObject;
  /** Metadata of the assistant; also added to the metadata of its runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** When this version was created. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
}

/** An assistant in its current version: a graph with settings (contract 2.1). */
export class Assistant extends AssistantVersion {
  /** When the assistant was last updated. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
}

const VERSION_FIELDS = [
  'assistant_id',
  'graph_id',
  'version',
  'name',
  'description',
  'config',
  'context',
  'metadata',
  'created_at',
] as const;

/** Fields that a search may select (contract 2.14). */
export const ASSISTANT_FIELDS = [...VERSION_FIELDS, 'updated_at'] as const;

export type AssistantField = (typeof ASSISTANT_FIELDS)[number];

const pick = <R extends object, K extends keyof R>(row: R, fields: readonly K[]): Pick<R, K> =>
  Object.fromEntries(fields.map((field) => [field, row[field]])) as Pick<R, K>;

/** Converts a row to the API schema, limited to `fields`. */
export const toAssistant = (row: AssistantEntity, fields: readonly AssistantField[] = ASSISTANT_FIELDS): Assistant =>
  pick(row, fields);

export const toAssistantVersion = (row: AssistantVersionEntity): AssistantVersion => pick(row, VERSION_FIELDS);
