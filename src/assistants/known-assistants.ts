import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../common/index.js';
import { type Queryable, Sql } from '../database/index.js';

/** Most assistants that a process remembers, and most characters of one; larger ones are read each time. */
const MOST_KNOWN = 1_000;
const MOST_CHARS = 64 * 1024;

/** An assistant as its runs need it. */
export interface RunAssistant {
  assistant_id: string;
  graph_id: string;
  config: JsonObject;
  context: JsonObject;
  metadata: JsonObject;
  /** Changes with every change of the assistant. */
  stamp: string;
  /** It was read earlier: a refusal that follows from it may be out of date. */
  is_remembered: boolean;
}

/** `xmin`: PostgreSQL's number of the transaction that wrote this state of the row. */
const FIND = `
  SELECT json_build_object('assistant_id', assistant_id, 'graph_id', graph_id, 'config', config, 'context', context,
                           'metadata', metadata)::text AS json, xmin::text AS stamp
  FROM assistants WHERE assistant_id = $1`;

interface AssistantRow {
  json: string;
  stamp: string;
}

/**
 * Assistants that runs were created from. They are looked up without the database, and may have changed meanwhile: whoever
 * writes something that follows from one makes the stamp a condition of that statement.
 */
@Injectable()
export class KnownAssistants {
  /** As text, so that nobody changes for others what he was given. */
  private readonly known = new Map<string, AssistantRow>();

  constructor(private readonly sql: Sql) {}

  /** Undefined when there is none. */
  async find(assistant_id: string): Promise<RunAssistant | undefined> {
    const known = this.known.get(assistant_id);
    if (known) {
      return toAssistant(known, true);
    }
    const { rows } = await this.sql.query<AssistantRow>(FIND, [assistant_id]);
    const row = rows.at(0);
    if (row && row.json.length <= MOST_CHARS) {
      this.remember(assistant_id, row);
    }
    return row && toAssistant(row, false);
  }

  /**
   * Whether an assistant is as it was when it was read, and stays so until the caller's transaction ends.
   */
  async isUnchanged(db: Queryable, { assistant_id, stamp }: RunAssistant): Promise<boolean> {
    const { rows } = await db.query('SELECT FROM assistants WHERE assistant_id = $1 AND xmin::text = $2 FOR SHARE', [
      assistant_id,
      stamp,
    ]);
    return rows.length > 0;
  }

  /** It has changed. */
  forget(assistant_id: string): void {
    this.known.delete(assistant_id);
  }

  private remember(assistant_id: string, row: AssistantRow): void {
    this.known.set(assistant_id, row);
    if (this.known.size > MOST_KNOWN) {
      const [oldest] = this.known.keys();
      this.known.delete(oldest);
    }
  }
}

const toAssistant = ({ json, stamp }: AssistantRow, is_remembered: boolean): RunAssistant => ({
  ...(JSON.parse(json) as RunAssistant),
  stamp,
  is_remembered,
});
