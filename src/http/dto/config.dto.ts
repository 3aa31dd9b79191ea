import { Settings, SettingsWithIds, StringField, StringList, IntegerField } from './fields.js';
import { Open } from './instantiate.js';
import type { JsonObject } from '../../common/index.js';

/** Settings of a run (contract 2.2). Other keys are passed to the graph unchanged. */
@Open
export class Config {
  /** Labels of the run in traces and events. */
  @StringList()
  tags?: string[];
  /** Maximum number of supersteps before the run fails. Default: the graph's own limit, or 25. */
  @IntegerField({ minimum: 1 })
  recursion_limit?: number;
  /** Maximum number of nodes that run concurrently. */
  @IntegerField({ minimum: 1 })
  max_concurrency?: number;
  /** Name of the run in traces. */
  @StringField()
  run_name?: string;
  /** Keys defined by the graph. */
  @SettingsWithIds()
  configurable?: JsonObject;
  /** Metadata for traces, events and the graph. */
  @Settings()
  metadata?: JsonObject;
  [key: string]: unknown;
}
