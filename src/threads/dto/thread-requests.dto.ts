import {
  canonicalReference,
  Filter,
  FromQueryFlag,
  FromQueryList,
  FromQueryNumber,
  Flag,
  Id,
  IdList,
  IdOrName,
  type JsonObject,
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
  Text,
  Custom,
  isObject,
  isStringList,
  Whole,
} from '../../common/index.js';
import { CheckpointSelector, isStateField, STATE_FIELDS } from '../../execution/index.js';
import { THREAD_STATUSES, type ThreadStatus } from '../thread.entity.js';
import { THREAD_STREAM_MODES, type ThreadStreamMode } from '../thread-stream.service.js';
import { EXTRACT_MESSAGE, isExtract } from '../extract.js';
import { isTtl, TTL_MESSAGE, TTL_SCHEMA } from '../thread-ttl.js';
import { Superstep } from './superstep.dto.js';
import { THREAD_SELECT, type ThreadSelect } from './thread.dto.js';

/** The thread the page of examples works with. */
export const EXAMPLE_THREAD_ID = '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5';

/** Stands for a checkpoint in the page of examples; the page puts the last one it has seen in its place. */
export const EXAMPLE_CHECKPOINT_ID = '1f000000-0000-6000-8000-000000000000';

export class ThreadParams {
  /** Id of the thread. */
  @Id({ required: true, example: EXAMPLE_THREAD_ID })
  thread_id: string;
}

export class ThreadCheckpointParams extends ThreadParams {
  /** Id of a checkpoint of the thread, as history gives it. */
  @IdOrName({ required: true, example: EXAMPLE_CHECKPOINT_ID })
  checkpoint_id: string;
}

/** Query of "join the stream of a thread" (contract 3.7). */
export class ThreadStreamQuery {
  /** What to send: the events of runs in the modes they were created with, only their start and end, changed states. */
  @FromQueryList()
  @ListOf(THREAD_STREAM_MODES)
  stream_mode?: ThreadStreamMode[];
  /** Another spelling of `stream_mode`. */
  @FromQueryList()
  @ListOf(THREAD_STREAM_MODES)
  stream_modes?: ThreadStreamMode[];

  /** For clients that cannot send the header `Last-Event-ID`, which wins. */
  @Text()
  last_event_id?: string;

  get modes(): ThreadStreamMode[] {
    const asked = this.stream_mode ?? this.stream_modes ?? [];
    return asked.length > 0 ? asked : ['run_modes'];
  }
}

/** Body of "create a thread" (contract 1.2). */
export class ThreadCreate {
  /** Id to give to the thread; a new one when absent. */
  @Id()
  thread_id?: string;
  /** Keys of the caller's choice. `graph_id` says which graph the thread is for before its first run. */
  @Metadata()
  metadata?: JsonObject;
  /** What to do when the id is taken: refuse, or return the existing thread unchanged. */
  @OneOf(['raise', 'do_nothing'], { default: 'raise' })
  if_exists?: 'raise' | 'do_nothing';
  /** A past to begin with: applied one after the other, each a checkpoint. Needs `metadata.graph_id`. */
  @NestedList(() => Superstep, { maximum: MAX_UPDATES })
  supersteps?: Superstep[];
  /** Minutes after the last activity until the thread is removed, or pruned with the strategy `keep_latest`. */
  @Custom(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: unknown;
}

/** Body of "update a thread". */
export class ThreadPatch {
  /** Merged into the stored metadata, key by key at the top level. */
  @Metadata()
  metadata?: JsonObject;
  /** Minutes after the last activity until the thread is removed, or pruned with the strategy `keep_latest`. */
  @Custom(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: unknown;
}

/** Filters of search and count; a thread matches when all of them do. */
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
  /** What to sort by; ties are broken by id. */
  @OneOf(THREAD_SORT_FIELDS, { default: 'updated_at' })
  sort_by?: (typeof THREAD_SORT_FIELDS)[number];
  /** Direction of the order. */
  @OneOf(['asc', 'desc'], { default: 'desc' })
  sort_order?: 'asc' | 'desc';
  /** Return only these fields. */
  @ListOf(THREAD_SELECT)
  select?: ThreadSelect[];
  /** Parts of each thread to return as `extracted`, by a name of your choice; null for what is not there. */
  @Custom({ type: 'object', additionalProperties: { type: 'string' } }, EXTRACT_MESSAGE, isExtract, {
    example: { last: 'values.messages[-1].content' },
  })
  extract?: Record<string, string>;
}

/** What a state is limited to. */
const MOST_STATE_FIELDS = 1_000;
const STATE_SELECT = {
  schema: {
    type: 'array',
    items: { type: 'string' },
    maxItems: MOST_STATE_FIELDS,
    example: ['next', 'values.messages'],
  },
  message: `must be a list of at most ${MOST_STATE_FIELDS} of ${STATE_FIELDS.join(', ')} or values.<key>`,
  isValid: (value: unknown): boolean => isStringList(value, MOST_STATE_FIELDS) && value.every(isStateField),
};

export class ThreadStateQuery {
  /** Include the state of subgraphs in their tasks. */
  @FromQueryFlag()
  @Flag({ default: false })
  subgraphs = false;
  /** Return only these fields; `values.<key>` for one of the values. */
  @FromQueryList()
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Query of "get a thread". */
export class ThreadQuery {
  /** More than what is always there: `ttl`. */
  @FromQueryList()
  @ListOf(['ttl'])
  include?: 'ttl'[];
}

const isFlagOrText = (value: unknown): boolean => typeof value === 'boolean' || value === 'true' || value === 'false';

/** Body of "get the state at a checkpoint". */
export class ThreadStateCheckpointRequest {
  /** The checkpoint to read. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Include the state of subgraphs in their tasks. Clients send a boolean or its text. */
  @Custom({ type: Boolean }, 'must be a boolean', isFlagOrText, {
    default: false,
  })
  subgraphs?: boolean | string;
  /** Return only these fields; `values.<key>` for one of the values. */
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Body of "update the state". */
export class ThreadStateUpdate {
  /** Values for the state's channels; a list applies several updates at once; null for "ran and returned nothing". */
  @StateUpdates({ description: 'Values for the channels of the state: an object, a list of objects, or null.' })
  values?: unknown;
  /** Update as if this node had run. */
  @Text()
  as_node?: string;
  /** Update from this checkpoint on instead of the newest one: a fork, or the state of a subgraph. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** The same, by id. */
  @IdOrName()
  checkpoint_id?: string;
}

const isBefore = (value: unknown): boolean =>
  (typeof value === 'string' || isObject(value)) && !JSON.stringify(value).includes('\\u0000');

/** Body of "get the history". */
export class ThreadHistoryRequest {
  /** How many states to return at most, newest first. */
  @Whole({ minimum: 1, maximum: 1000, default: 10 })
  limit = 10;
  /** Only states before this checkpoint: its id, a checkpoint, or a config that holds one. */
  @readAs(canonicalReference)
  @Custom({ oneOf: [{ type: 'string' }, { type: 'object' }] }, 'must be a checkpoint id or a checkpoint', isBefore)
  before?: string | JsonObject;
  /** Only states whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** A checkpoint whose namespace to list; its id limits the list to that checkpoint. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Return only these fields of each state; `values.<key>` for one of the values. */
  @Custom(STATE_SELECT.schema, STATE_SELECT.message, STATE_SELECT.isValid)
  select?: string[];
}

/** Body of "patch the state", which has no state in it. */
export class ThreadStatePatch {
  /** Merged into the metadata of the thread, key by key at the top level. */
  @Metadata()
  metadata?: JsonObject;
}

export class ThreadHistoryQuery {
  /** How many states to return at most, newest first. */
  @FromQueryNumber()
  @Whole({ minimum: 1, maximum: 1000, default: 10 })
  limit = 10;
  /** Only states before the checkpoint with this id. */
  @IdOrName()
  before?: string;
}

/** Answer of "update the state". */
export class ThreadUpdateStateResponse {
  /** The checkpoint that was written. */
  checkpoint: JsonObject;
}
