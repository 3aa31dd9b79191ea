import { Settings, SettingsWithIds, Text, TextList, Whole } from './fields.js';
import { Open } from './instantiate.js';
import type { JsonObject } from '../json.js';

/** Settings of a run (contract 2.2). Keys that are not listed reach the graph as they are. */
@Open
export class Config {
  /** Labels of the run in traces and events. */
  @TextList()
  tags?: string[];
  /** Most supersteps before the run fails; the graph's own limit, or 25, when absent. */
  @Whole({ minimum: 1 })
  recursion_limit?: number;
  /** Most nodes that run at the same time. */
  @Whole({ minimum: 1 })
  max_concurrency?: number;
  /** Name of the run in traces. */
  @Text()
  run_name?: string;
  /** Keys of the graph's choice. */
  @SettingsWithIds()
  configurable?: JsonObject;
  /** For traces and events, and for the graph. */
  @Settings()
  metadata?: JsonObject;
  [key: string]: unknown;
}
