import { canonicalReference, type JsonObject, isObject } from '../../common/index.js';
import {
  Filter,
  FromQueryFlag,
  FromQueryList,
  FromQueryNumber,
  BooleanField,
  Id,
  IdList,
  IdOrName,
  Limit,
  ListOf,
  MAX_UPDATES,
  Metadata,
  MetadataFilter,
  Nested,
  NestedList,
  Offset,
  OneOf,
  readAs,
  StateUpdates,
  StringField,
  Custom,
  isStringList,
  IntegerField,
} from '../../http/index.js';
import { CheckpointSelector, isStateField, STATE_FIELDS } from '../../execution/index.js';
import { THREAD_STATUSES, type ThreadStatus } from '../thread.entity.js';
import { THREAD_STREAM_MODES, type ThreadStreamMode } from '../thread-stream.service.js';
import { EXTRACT_MESSAGE, isExtract } from '../extract.js';
import { isTtl, TTL_MESSAGE, TTL_SCHEMA } from '../thread-ttl.js';
import { Superstep } from './superstep.dto.js';
import { THREAD_SELECT, type ThreadSelect } from './thread.dto.js';

/** Thread id in the API examples. */
export const EXAMPLE_THREAD_ID = '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5';

/** Placeholder for a checkpoint id in the API examples, which the examples page replaces with the last one received. */
export const EXAMPLE_CHECKPOINT_ID = '1f000000-0000-6000-8000-000000000000';

export class ThreadParams {
  /** Id of the thread. */
  @Id({ required: true, example: EXAMPLE_THREAD_ID })
  thread_id: string;
}

export class ThreadCheckpointParams extends ThreadParams {
  /** Id of a checkpoint of the thread, from its history. */
  @IdOrName({ required: true, example: EXAMPLE_CHECKPOINT_ID })
  checkpoint_id: string;
}

/** Query of "join the stream of a thread" (contract 3.7). */
export class ThreadStreamQuery {
  /** Events to send: `run_modes` all events of runs, `lifecycle` only their start and end, `state_update` changed states. */
  @FromQueryList()
  @ListOf(THREAD_STREAM_MODES)
  stream_mode?: ThreadStreamMode[];
  /** Alias of `stream_mode`. */
  @FromQueryList()
  @ListOf(THREAD_STREAM_MODES)
  stream_modes?: ThreadStreamMode[];

  /** For clients that cannot send the header `Last-Event-ID`; the header takes precedence. */
  @StringField()
  last_event_id?: string;

  get modes(): ThreadStreamMode[] {
    const requested = this.stream_mode ?? this.stream_modes ?? [];
    return requested.length > 0 ? requested : ['run_modes'];
  }
}

/** Body of "create a thread" (contract 1.2). */
export class ThreadCreate {
  /** Id of the new thread; generated when absent. */
  @Id()
  thread_id?: string;
  /** Arbitrary metadata. `graph_id` sets the graph of the thread before its first run. */
  @Metadata()
  metadata?: JsonObject;
  /** If a thread with this id exists: `raise` returns an error, `do_nothing` returns the existing thread unchanged. */
  @OneOf(['raise', 'do_nothing'], { default: 'raise' })
  if_exists?: 'raise' | 'do_nothing';
  /** Initial history: supersteps that are applied in order, one checkpoint each. Requires `metadata.graph_id`. */
  @NestedList(() => Superstep, { maximum: MAX_UPDATES })
  supersteps?: Superstep[];
  /** Minutes after the last activity until the thread is deleted, or pruned with the strategy `keep_latest`. */
  @Custom(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: unknown;
}

/** Body of "update a thread". */
export class ThreadPatch {
  /** Merged into the stored metadata, key by key at the top level. */
  @Metadata()
  metadata?: JsonObject;
  /** Minutes after the last activity until the thread is deleted, or pruned with the strategy `keep_latest`. */
  @Custom(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: unknown;
}

/** Filters of search and count; a thread must match all of them. */
export class ThreadCountRequest {
  /** Threads whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Threads whose current state contains this object. */
  @Filter()
  values?: JsonObject;
  /** Threads in this status. */
  @OneOf(THREAD_STATUSES)
  status?: ThreadStatus;
}

export const THREAD_SORT_FIELDS = ['thread_id', 'status', 'created_at', 'updated_at', 'state_updated_at'] as const;

/** Body of "search threads". */
export class ThreadSearchRequest extends ThreadCountRequest {
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Only these threads. */
  @IdList()
  ids?: string[];
  /** Field to sort by; ties are broken by id. */
  @OneOf(THREAD_SORT_FIELDS, { default: 'updated_at' })
  sort_by?: (typeof THREAD_SORT_FIELDS)[number];
  /** Sort direction. */
  @OneOf(['asc', 'desc'], { default: 'desc' })
  sort_order?: 'asc' | 'desc';
  /** Return only these fields. */
  @ListOf(THREAD_SELECT)
  select?: ThreadSelect[];
  /** Paths of each thread to return as `extracted`, by alias; null for a missing value. */
  @Custom({ type: 'object', additionalProperties: { type: 'string' } }, EXTRACT_MESSAGE, isExtract, {
    example: { last: 'values.messages[-1].content' },
  })
  extract?: Record<string, string>;
}

/** Validation of `select` for states. */
const MAX_STATE_FIELDS = 1_000;
const STATE_SELECT = {
  schema: {
    type: 'array',
    items: { type: 'string' },
    maxItems: MAX_STATE_FIELDS,
    example: ['next', 'values.messages'],
  },
  message: `must be a list of at most ${MAX_STATE_FIELDS} of ${STATE_FIELDS.join(', ')} or values.<key>`,
  isValid: (value: unknown): boolean => isStringList(value, MAX_STATE_FIELDS) && value.every(isStateField),
};

export class ThreadStateQuery {
  /** Include the state of subgraphs in their tasks. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  subgraphs = false;
  /** Return only these fields; `values.<key>` selects one value. */
  @FromQueryList()
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Query of "get a thread". */
export class ThreadQuery {
  /** Optional fields to include: `ttl`. */
  @FromQueryList()
  @ListOf(['ttl'])
  include?: 'ttl'[];
}

const isBooleanOrString = (value: unknown): boolean =>
  typeof value === 'boolean' || value === 'true' || value === 'false';

/** Body of "get the state at a checkpoint". */
export class ThreadStateCheckpointRequest {
  /** The checkpoint to read. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Include the state of subgraphs in their tasks. Clients send a boolean or a string. */
  @Custom({ type: Boolean }, 'must be a boolean', isBooleanOrString, {
    default: false,
  })
  subgraphs?: boolean | string;
  /** Return only these fields; `values.<key>` selects one value. */
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Body of "update the state". */
export class ThreadStateUpdate {
  /** Values for the state's channels; a list applies several updates at once; null for a node that returned nothing. */
  @StateUpdates({ description: 'Values for the channels of the state: an object, a list of objects, or null.' })
  values?: unknown;
  /** Apply the update as if this node had returned it. */
  @StringField()
  as_node?: string;
  /** Update this checkpoint instead of the newest one: creates a fork, or updates a subgraph. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Like `checkpoint`, by id. */
  @IdOrName()
  checkpoint_id?: string;
}

const isBefore = (value: unknown): boolean =>
  (typeof value === 'string' || isObject(value)) && !JSON.stringify(value).includes('\\u0000');

/** Body of "get the history". */
export class ThreadHistoryRequest {
  /** Maximum number of states, newest first. */
  @IntegerField({ minimum: 1, maximum: 1000, default: 10 })
  limit = 10;
  /** Only states before this checkpoint: an id, a checkpoint, or a config that contains one. */
  @readAs(canonicalReference)
  @Custom({ oneOf: [{ type: 'string' }, { type: 'object' }] }, 'must be a checkpoint id or a checkpoint', isBefore)
  before?: string | JsonObject;
  /** Only states whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Lists the namespace of this checkpoint; with an id, only this checkpoint. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Return only these fields of each state; `values.<key>` selects one value. */
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Body of "patch the state", which contains only metadata. */
export class ThreadStatePatch {
  /** Merged into the metadata of the thread, key by key at the top level. */
  @Metadata()
  metadata?: JsonObject;
}

export class ThreadHistoryQuery {
  /** Maximum number of states, newest first. */
  @FromQueryNumber()
  @IntegerField({ minimum: 1, maximum: 1000, default: 10 })
  limit = 10;
  /** Only states before the checkpoint with this id. */
  @IdOrName()
  before?: string;
}

/** Response of "update the state". */
export class ThreadUpdateStateResponse {
  /** The checkpoint that was written. */
  checkpoint: JsonObject;
}
