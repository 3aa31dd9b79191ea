import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../common/index.js';
import { type Queryable, Sql } from '../database/index.js';

/** At most so many assistants are cached, each with at most so many characters. Larger ones are read each time. */
const MAX_CACHED = 1_000;
const MAX_CHARS = 64 * 1024;

/** The parts of an assistant that its runs need. */
export interface RunAssistant {
  assistant_id: string;
  graph_id: string;
  config: JsonObject;
  context: JsonObject;
  metadata: JsonObject;
  /** Version of the row: every change of the assistant changes it. */
  stamp: string;
  /** The assistant comes from the cache, so a refusal based on it may be outdated. */
  is_cached: boolean;
}

/** `xmin` is the id of the transaction that wrote this version of the row. */
const FIND = `
  SELECT json_build_object('assistant_id', assistant_id, 'graph_id', graph_id, 'config', config, 'context', context,
                           'metadata', metadata)::text AS json, xmin::text AS stamp
  FROM assistants WHERE assistant_id = $1`;

interface AssistantRow {
  json: string;
  stamp: string;
}

/**
 * Caches the assistants that runs are created from. A cached assistant may be outdated: a statement that depends on it
 * must have its stamp as a condition.
 */
@Injectable()
export class AssistantCache {
  /** Rows as JSON strings, so that each caller gets its own object. */
  private readonly rows = new Map<string, AssistantRow>();

  constructor(private readonly sql: Sql) {}

  /** Undefined when the assistant does not exist. */
  async find(assistant_id: string): Promise<RunAssistant | undefined> {
    const cached = this.rows.get(assistant_id);
    if (cached) {
      return toAssistant(cached, true);
    }
    const { rows } = await this.sql.query<AssistantRow>(FIND, [assistant_id]);
    const row = rows.at(0);
    if (row && row.json.length <= MAX_CHARS) {
      this.add(assistant_id, row);
    }
    return row && toAssistant(row, false);
  }

  /**
   * Whether the assistant has not changed since it was read. Locks it against changes until the caller's transaction
   * ends.
   */
  async isUnchanged(db: Queryable, { assistant_id, stamp }: RunAssistant): Promise<boolean> {
    const { rows } = await db.query('SELECT FROM assistants WHERE assistant_id = $1 AND xmin::text = $2 FOR SHARE', [
      assistant_id,
      stamp,
    ]);
    return rows.length > 0;
  }

  /** Removes an outdated assistant from the cache. */
  forget(assistant_id: string): void {
    this.rows.delete(assistant_id);
  }

  private add(assistant_id: string, row: AssistantRow): void {
    this.rows.set(assistant_id, row);
    if (this.rows.size > MAX_CACHED) {
      const [oldest] = this.rows.keys();
      this.rows.delete(oldest);
    }
  }
}

const toAssistant = ({ json, stamp }: AssistantRow, is_cached: boolean): RunAssistant => ({
  ...(JSON.parse(json) as RunAssistant),
  stamp,
  is_cached,
});
