import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../common/index.js';

@Entity('store_items')
export class StoreItemEntity {
  /** The labels, each followed by a dot. */
  @PrimaryColumn('text')
  namespace: string;

  @PrimaryColumn('text')
  key: string;

  @Column('jsonb')
  value: JsonObject;

  /** Order of insertion. A string, because a bigint may exceed the safe integers of JavaScript. */
  @Column('bigint')
  item_id: string;

  /** Each put sets a new version. */
  @Column('bigint')
  version: string;

  /** Time to live in minutes after a put, or after a read that refreshes it; null for an item that does not expire. */
  @Column('double precision', { nullable: true })
  ttl_minutes: number | null;

  /** From this time on, reads ignore the item. */
  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}
