import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../common/index.js';

@Entity('store_items')
export class StoreItemEntity {
  /** The labels, each with a dot behind it. */
  @PrimaryColumn('text')
  namespace: string;

  @PrimaryColumn('text')
  key: string;

  @Column('jsonb')
  value: JsonObject;

  /** Order of insertion. A number beyond what JavaScript can hold arrives as text. */
  @Column('bigint')
  item_id: string;

  /** Another one with each put. */
  @Column('bigint')
  version: string;

  /** Minutes that it stays after it was put, or read; null when it stays. */
  @Column('double precision', { nullable: true })
  ttl_minutes: number | null;

  /** Nobody sees it from then on. */
  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}
