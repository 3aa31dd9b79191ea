import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import type { AssistantEntity, AssistantVersionEntity } from '../assistant.entity.js';

/** One version of an assistant (contract 2.1). */
export class AssistantVersion {
  /** Id of the assistant. */
  @ApiProperty({ format: 'uuid' })
  assistant_id: string;
  /** Graph it runs. */
  graph_id: string;
  /** Number of the version, from 1 on. */
  @ApiProperty({ type: 'integer' })
  version: number;
  /** Name for people. */
  name: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true })
  description: string | null;
  /** Config that every run begins with. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  config: JsonObject;
  /** Context that every run begins with. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  context: JsonObject;
  /** Keys of the caller's choice; handed on to runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** When this version was made. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
}

/** A graph with settings, in its current version (contract 2.1). */
export class Assistant extends AssistantVersion {
  /** When it was changed last. */
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

/** Fields a search may be limited to (contract 2.14). */
export const ASSISTANT_FIELDS = [...VERSION_FIELDS, 'updated_at'] as const;

export type AssistantField = (typeof ASSISTANT_FIELDS)[number];

const pick = <R extends object, K extends keyof R>(row: R, fields: readonly K[]): Pick<R, K> =>
  Object.fromEntries(fields.map((field) => [field, row[field]])) as Pick<R, K>;

/** A row as the API shows it, limited to `fields`. */
export const toAssistant = (row: AssistantEntity, fields: readonly AssistantField[] = ASSISTANT_FIELDS): Assistant =>
  pick(row, fields);

export const toAssistantVersion = (row: AssistantVersionEntity): AssistantVersion => pick(row, VERSION_FIELDS);
