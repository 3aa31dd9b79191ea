import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../common/index.js';
import { jsonb } from '../database/index.js';

/** The columns of a version. */
abstract class AssistantVersionColumns {
  @PrimaryColumn('uuid')
  assistant_id: string;

  @Column('text')
  graph_id: string;

  @Column('text')
  name: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('jsonb', { transformer: jsonb })
  config: JsonObject;

  @Column('jsonb', { transformer: jsonb })
  context: JsonObject;

  @Column('jsonb', { transformer: jsonb })
  metadata: JsonObject;

  @Column('timestamptz')
  created_at: Date;
}

/** The current version of an assistant. */
@Entity('assistants')
export class AssistantEntity extends AssistantVersionColumns {
  @Column('integer')
  version: number;

  @Column('timestamptz')
  updated_at: Date;
}

/** All versions of an assistant, each with all its fields. */
@Entity('assistant_versions')
export class AssistantVersionEntity extends AssistantVersionColumns {
  @PrimaryColumn('integer')
  version: number;
}
