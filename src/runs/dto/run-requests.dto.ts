import { canonicalNamespace, type JsonObject, MAX_SECONDS } from '../../common/index.js';
import {
  AnyJson,
  Config,
  Custom,
  BooleanField,
  FromQueryFlag,
  FromQueryList,
  FromQueryNumber,
  FromQueryStrings,
  Id,
  IdList,
  IdOrName,
  isStringList,
  Limit,
  ListOf,
  MAX_ITEMS,
  Nested,
  Offset,
  OneOf,
  readAs,
  Settings,
  SettingsWithIds,
  StringField,
  StringList,
} from '../../http/index.js';
import { CheckpointSelector, isCommand, STREAM_MODES, type StreamMode } from '../../execution/index.js';
import { ThreadParams } from '../../threads/index.js';
import {
  DURABILITIES,
  type Durability,
  MULTITASK_STRATEGIES,
  type MultitaskStrategy,
  RUN_STATUSES,
  type RunStatus,
} from '../run.entity.js';
import { isWebhook, MAX_WEBHOOK_LENGTH } from './webhook-address.js';
import { RUN_FIELDS, type RunField } from './run.dto.js';

/** Placeholder in the examples page, which replaces it with the run that was created last. */
export const EXAMPLE_RUN_ID = '0192f0c1-0000-7000-8000-000000000000';

export class RunParams extends ThreadParams {
  /** Id of the run. */
  @Id({ required: true, example: EXAMPLE_RUN_ID })
  run_id: string;
}

export class StatelessRunParams {
  /** Id of the run. */
  @Id({ required: true, example: EXAMPLE_RUN_ID })
  run_id: string;
}

const isNodes = (value: unknown): boolean => value === '*' || isStringList(value);

/** Higher than the number of modes, because a mode may be repeated. */
const MAX_MODES = 100;

const isModes = (value: unknown): boolean => {
  const modes: unknown[] = Array.isArray(value) ? value : [value];
  return modes.length <= MAX_MODES && modes.every((mode) => STREAM_MODES.includes(mode as StreamMode));
};

const isDelay = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= MAX_SECONDS;

const WEBHOOK_SCHEMA = { type: 'string', maxLength: MAX_WEBHOOK_LENGTH };

const NODES_SCHEMA = {
  oneOf: [
    { type: 'string', enum: ['*'] },
    { type: 'array', items: { type: 'string' }, maxItems: MAX_ITEMS },
  ],
};
const NODES_MESSAGE = `must be "*" or a list of at most ${MAX_ITEMS} node names`;

/** Each key costs a request to LangSmith. */
const MAX_FEEDBACK_KEYS = 100;
const FEEDBACK_MESSAGE = `must be a list of at most ${MAX_FEEDBACK_KEYS} strings`;

const isFeedbackKeys = (value: unknown): boolean => isStringList(value, MAX_FEEDBACK_KEYS);

/** An additional destination for the trace of a run. */
export class LangSmithTracer {
  /** LangSmith project that also gets the trace. */
  @StringField()
  project_name?: string;
  /** Dataset example on which the run is an experiment. */
  @Id()
  example_id?: string;
}

/** The parameters of a run that clients and crons share. */
export class RunPayload {
  /** Input of the graph; null resumes from the checkpoint. */
  @AnyJson({ description: 'Input of the graph; null resumes from the checkpoint.' })
  input?: unknown;
  /** Tags, recursion_limit and configurable; merged over those of assistant and thread. */
  @Nested(() => Config, { storable: true })
  config?: Config;
  /** Static settings of the run; merged over those of the assistant. */
  @Settings()
  context?: JsonObject;
  /** Custom keys, merged over those of assistant and thread; also stored in the checkpoints. */
  @SettingsWithIds()
  metadata?: JsonObject;
  /** What to stream: a mode or a list of modes. */
  @Custom(
    {
      oneOf: [
        { type: 'string', enum: [...STREAM_MODES] },
        { type: 'array', items: { type: 'string', enum: [...STREAM_MODES] }, maxItems: MAX_MODES },
      ],
    },
    `must be one of ${STREAM_MODES.join(', ')}, or a list of at most ${MAX_MODES} of them`,
    isModes,
    { default: 'values' },
  )
  stream_mode?: StreamMode | StreamMode[];
  /** Also stream events of subgraphs; their names carry the namespace after `|`. */
  @BooleanField({ default: false })
  stream_subgraphs?: boolean;
  /** Number the events and keep them, so that a client can resume the stream with `Last-Event-ID`. */
  @BooleanField({ default: false })
  stream_resumable?: boolean;
  /** Stop before these nodes. */
  @Custom(NODES_SCHEMA, NODES_MESSAGE, isNodes)
  interrupt_before?: '*' | string[];
  /** Stop after these nodes. */
  @Custom(NODES_SCHEMA, NODES_MESSAGE, isNodes)
  interrupt_after?: '*' | string[];
  /**
   * When checkpoints are written: `sync` before the next superstep, `async` while it runs, `exit` at the end of the
   * run.
   */
  @OneOf(DURABILITIES, { default: 'async' })
  durability?: Durability;
  /** Called with the run and its final state when the run has ended: an http(s) URL, or a path of this server. */
  @Custom(WEBHOOK_SCHEMA, 'must be an http or https URL, or a path of this server that starts with /', isWebhook, {
    example: 'https://example.com/run-ended',
  })
  webhook?: string;
}

/** The parameters for creating a run, by a client or by a cron. */
export class RunRequest extends RunPayload {
  /** Id of an assistant, or a graph id for the graph's system assistant. */
  @IdOrName({ required: true })
  assistant_id: string;
  /** Deprecated: false means durability `exit`. */
  @BooleanField()
  checkpoint_during?: boolean;
  /**
   * If the thread is busy: `reject` the request, `enqueue` the run, or replace the active runs: `interrupt` keeps them,
   * `rollback` deletes them.
   */
  @OneOf(MULTITASK_STRATEGIES, { default: 'enqueue' })
  multitask_strategy?: MultitaskStrategy;
}

/** The parameters that all routes for creating runs share (contract 1.3, RunCreate). */
export class RunCreateBase extends RunRequest {
  /** Resumes interrupts (`resume`), updates the state (`update`), chooses the next node (`goto`). Overrides `input`. */
  @Custom({ type: 'object', additionalProperties: true }, 'must be an object with resume, update or goto', isCommand)
  command?: JsonObject;
  /** Whether the run is cancelled when the client that streams or waits disconnects. */
  @OneOf(['cancel', 'continue'], { default: 'continue' })
  on_disconnect?: 'cancel' | 'continue';
  /** Seconds before the run starts. The thread is busy during the delay. */
  @Custom({ type: 'number', minimum: 0 }, `must be a number of seconds from 0 to ${MAX_SECONDS}`, isDelay)
  after_seconds?: number;
  /**
   * Feedback keys to create links for: the event `feedback`, or `__feedback__` in a result, maps each key to a
   * LangSmith URL that accepts the feedback. Omitted if LangSmith does not respond within seconds; rejected if
   * LangSmith is not configured.
   */
  @Custom({ type: 'array', items: { type: 'string' }, maxItems: MAX_FEEDBACK_KEYS }, FEEDBACK_MESSAGE, isFeedbackKeys)
  feedback_keys?: string[];
  /** Additional destination for the trace of the run; rejected unless runs are traced. */
  @Nested(() => LangSmithTracer)
  langsmith_tracer?: LangSmithTracer;
  /** If `command.resume` names an interrupt that is not pending, the run fails and the thread does not change. */
  @BooleanField({ default: false })
  strict_resume?: boolean;
}

/** Request body for a run on a thread. */
export class RunCreateStateful extends RunCreateBase {
  /** Start from this checkpoint instead of the newest one. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** Id of the checkpoint to start from; `checkpoint` overrides it. */
  @IdOrName()
  checkpoint_id?: string;
  /** If the thread does not exist: `create` it, or `reject` the request with 404. */
  @OneOf(['create', 'reject'], { default: 'reject' })
  if_not_exists?: 'create' | 'reject';
}

/** Request body for a stateless run. */
export class RunCreateStateless extends RunCreateBase {
  /**
   * `delete` deletes the run's hidden thread after the run; any other value keeps it as a normal thread (contract
   * 7.29).
   */
  @StringField({ default: 'delete', example: 'delete' })
  on_completion?: string;
}

/** One run of a batch: on `thread_id`, or stateless. */
export class RunCreateBatchItem extends RunCreateStateful {
  /** Thread of the run; without it the run is stateless. */
  @Id()
  thread_id?: string;
  /** For a stateless run: `delete` deletes its hidden thread after the run; any other value keeps it. */
  @StringField({ default: 'delete', example: 'delete' })
  on_completion?: string;
}

export class RunListQuery {
  @FromQueryNumber()
  @Limit()
  limit = 10;
  @FromQueryNumber()
  @Offset()
  offset = 0;
  /** Return only runs with this status. */
  @OneOf(RUN_STATUSES)
  status?: RunStatus;
  /** Return only these fields. */
  @FromQueryList()
  @ListOf(RUN_FIELDS)
  select?: RunField[];
}

export class RunsCancelQuery {
  /** `interrupt` keeps the runs and their checkpoints, `rollback` deletes both. */
  @OneOf(['interrupt', 'rollback'], { default: 'interrupt' })
  action: 'interrupt' | 'rollback' = 'interrupt';
}

export class RunCancelQuery extends RunsCancelQuery {
  /** Respond when the run has stopped. Otherwise the server responds as soon as the cancellation is stored. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  wait = false;
  /** Reason for the run's `cancel_reason`: `taken` if another run has taken over its input. Only with `interrupt`. */
  @OneOf(['taken'])
  reason?: 'taken';
}

/** Request body for cancelling many runs: either `status`, or `thread_id` with `run_ids` (contract 1.3). */
export class RunsCancelRequest {
  /** Cancel all runs with this status. */
  @OneOf(['pending', 'running', 'all'])
  status?: 'pending' | 'running' | 'all';
  /** Thread of the runs. */
  @Id()
  thread_id?: string;
  /** Runs to cancel. */
  @IdList()
  run_ids?: string[];
}

export class RunJoinQuery {
  /** Cancel the run if this client disconnects before the run has ended. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  cancel_on_disconnect = false;
}

const canonicalNamespaces = (list: unknown): unknown => (list as string[]).map(canonicalNamespace);

export class RunStreamQuery {
  /**
   * Stream only events of these namespaces, without the subgraphs inside them: `outer:<task id>|inner:<task id>`, or
   * `outer|inner` for all tasks; an empty string for the root graph.
   */
  @FromQueryStrings()
  @StringList()
  @readAs(canonicalNamespaces)
  namespace?: string[];
}

export class RunJoinStreamQuery extends RunStreamQuery {
  /** Cancel the run if this client disconnects before the run has ended. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  cancel_on_disconnect = false;
  /** Stream only events of these modes. */
  @FromQueryList()
  @ListOf(STREAM_MODES)
  stream_mode?: StreamMode[];
}

/** A run to create, on a thread or stateless. */
export type RunCreate = RunCreateStateful & RunCreateStateless;
