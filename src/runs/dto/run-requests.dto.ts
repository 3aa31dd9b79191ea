import {
  AnyJson,
  canonicalNamespace,
  Config,
  Custom,
  Flag,
  FromQueryFlag,
  FromQueryList,
  FromQueryNumber,
  FromQueryStrings,
  Id,
  IdList,
  IdOrName,
  isStringList,
  type JsonObject,
  Limit,
  ListOf,
  MAX_SECONDS,
  MAX_ITEMS,
  Nested,
  Offset,
  OneOf,
  readAs,
  Settings,
  SettingsWithIds,
  Text,
  TextList,
} from '../../common/index.js';
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
import { isWebhook, MAX_WEBHOOK_LENGTH } from '../webhooks/webhook-address.js';
import { RUN_FIELDS, type RunField } from './run.dto.js';

/** Stands for a run in the page of examples; the page puts the run that was created last in its place. */
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

/** Naming one twice changes nothing, but is no mistake either. */
const MOST_MODES = 100;

const isModes = (value: unknown): boolean => {
  const modes: unknown[] = Array.isArray(value) ? value : [value];
  return modes.length <= MOST_MODES && modes.every((mode) => STREAM_MODES.includes(mode as StreamMode));
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

/** Each one costs a request to LangSmith. */
const MOST_FEEDBACK_KEYS = 100;
const FEEDBACK_MESSAGE = `must be a list of at most ${MOST_FEEDBACK_KEYS} texts`;

const isFeedbackKeys = (value: unknown): boolean => isStringList(value, MOST_FEEDBACK_KEYS);

/** A second place for the trace of a run. */
export class LangSmithTracer {
  /** LangSmith project that the trace goes to as well. */
  @Text()
  project_name?: string;
  /** Example of a dataset that the run is an experiment with. */
  @Id()
  example_id?: string;
}

/** What is asked of a run, whoever creates it and whenever. */
export class RunPayload {
  /** Input of the graph; null goes on from the checkpoint. */
  @AnyJson({ description: 'Input of the graph; null goes on from the checkpoint.' })
  input?: unknown;
  /** Tags, recursion_limit and configurable; merged over those of assistant and thread. */
  @Nested(() => Config, { storable: true })
  config?: Config;
  /** Static settings of the run; merged over those of the assistant. */
  @Settings()
  context?: JsonObject;
  /** Keys of the caller's choice, merged over those of assistant and thread; they end up in the checkpoints too. */
  @SettingsWithIds()
  metadata?: JsonObject;
  /** What to stream: a mode or a list of modes. */
  @Custom(
    {
      oneOf: [
        { type: 'string', enum: [...STREAM_MODES] },
        { type: 'array', items: { type: 'string', enum: [...STREAM_MODES] }, maxItems: MOST_MODES },
      ],
    },
    `must be one of ${STREAM_MODES.join(', ')}, or a list of at most ${MOST_MODES} of them`,
    isModes,
    { default: 'values' },
  )
  stream_mode?: StreamMode | StreamMode[];
  /** Stream events of subgraphs too; their names carry the namespace behind `|`. */
  @Flag({ default: false })
  stream_subgraphs?: boolean;
  /** Number the events and keep them, so that a reader can come back with `Last-Event-ID`. */
  @Flag({ default: false })
  stream_resumable?: boolean;
  /** Stop before these nodes. */
  @Custom(NODES_SCHEMA, NODES_MESSAGE, isNodes)
  interrupt_before?: '*' | string[];
  /** Stop after these nodes. */
  @Custom(NODES_SCHEMA, NODES_MESSAGE, isNodes)
  interrupt_after?: '*' | string[];
  /** When checkpoints are written: before the next step, beside it, or at the end. */
  @OneOf(DURABILITIES, { default: 'async' })
  durability?: Durability;
  /** Called with the run and its final state when the run has ended: an http(s) address, or a path of this server. */
  @Custom(WEBHOOK_SCHEMA, 'must be an http or https address, or a path of this server that begins with /', isWebhook, {
    example: 'https://example.com/run-ended',
  })
  webhook?: string;
}

/** A run to be created, at once or by a schedule. */
export class RunRequest extends RunPayload {
  /** Id of an assistant, or the name of a graph for its system assistant. */
  @IdOrName({ required: true })
  assistant_id: string;
  /** Deprecated: false means durability `exit`. */
  @Flag()
  checkpoint_during?: boolean;
  /** When the thread is busy: refuse, wait, or take the place of the active run, keeping or removing what it has done. */
  @OneOf(MULTITASK_STRATEGIES, { default: 'enqueue' })
  multitask_strategy?: MultitaskStrategy;
}

/** What every way of starting a run takes (contract 1.3, RunCreate). */
export class RunCreateBase extends RunRequest {
  /** Answers an interrupt (`resume`), changes the state (`update`), names the next node (`goto`). Wins over `input`. */
  @Custom({ type: 'object', additionalProperties: true }, 'must be an object with resume, update or goto', isCommand)
  command?: JsonObject;
  /** What happens to the run when the client that streams or waits goes away. */
  @OneOf(['cancel', 'continue'], { default: 'continue' })
  on_disconnect?: 'cancel' | 'continue';
  /** Seconds to wait before the run begins. Its thread is busy meanwhile. */
  @Custom({ type: 'number', minimum: 0 }, `must be a number of seconds from 0 to ${MAX_SECONDS}`, isDelay)
  after_seconds?: number;
  /**
   * Kinds of feedback to give links for: the event `feedback`, or `__feedback__` in an answer, maps each to the address in
   * LangSmith that takes it. Left out when LangSmith does not answer within seconds; refused when it is not configured.
   */
  @Custom({ type: 'array', items: { type: 'string' }, maxItems: MOST_FEEDBACK_KEYS }, FEEDBACK_MESSAGE, isFeedbackKeys)
  feedback_keys?: string[];
  /** Where else to send the trace of the run; refused unless runs are traced. */
  @Nested(() => LangSmithTracer)
  langsmith_tracer?: LangSmithTracer;
  /** Let the run fail, and the thread stay as it was, when `command.resume` answers an interrupt that is not waiting. */
  @Flag({ default: false })
  strict_resume?: boolean;
}

/** Body of "start a run on a thread". */
export class RunCreateStateful extends RunCreateBase {
  /** Begin from this checkpoint instead of the newest one. */
  @Nested(() => CheckpointSelector)
  checkpoint?: CheckpointSelector;
  /** The same, by id. */
  @IdOrName()
  checkpoint_id?: string;
  /** Create the thread when it does not exist, or refuse with 404. */
  @OneOf(['create', 'reject'], { default: 'reject' })
  if_not_exists?: 'create' | 'reject';
}

/** Body of "start a stateless run". */
export class RunCreateStateless extends RunCreateBase {
  /** `delete` removes the run's hidden thread at the end; anything else keeps it as an ordinary thread (contract 7.29). */
  @Text({ default: 'delete', example: 'delete' })
  on_completion?: string;
}

/** One run of a batch: stateless, or on the thread it names. */
export class RunCreateBatchItem extends RunCreateStateful {
  /** Thread to run on; without it the run is stateless. */
  @Id()
  thread_id?: string;
  /** For a stateless run, see "start a stateless run". */
  @Text({ default: 'delete', example: 'delete' })
  on_completion?: string;
}

export class RunListQuery {
  @FromQueryNumber()
  @Limit()
  limit = 10;
  @FromQueryNumber()
  @Offset()
  offset = 0;
  /** Only runs in this status. */
  @OneOf(RUN_STATUSES)
  status?: RunStatus;
  /** Return only these fields. */
  @FromQueryList()
  @ListOf(RUN_FIELDS)
  select?: RunField[];
}

export class RunsCancelQuery {
  /** `interrupt` keeps the runs and their checkpoints, `rollback` removes both. */
  @OneOf(['interrupt', 'rollback'], { default: 'interrupt' })
  action: 'interrupt' | 'rollback' = 'interrupt';
}

export class RunCancelQuery extends RunsCancelQuery {
  /** Answer when the run has stopped. Without it, the answer comes as soon as it is certain that it will. */
  @FromQueryFlag()
  @Flag({ default: false })
  wait = false;
  /** Why, to be found in the run's `cancel_reason`: another run has taken over its input. Only with `interrupt`. */
  @OneOf(['taken'])
  reason?: 'taken';
}

/** Body of "cancel many runs": either `status`, or `thread_id` with `run_ids` (contract 1.3). */
export class RunsCancelRequest {
  /** All runs in this status. */
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
  /** Cancel the run when this client goes away before its end. */
  @FromQueryFlag()
  @Flag({ default: false })
  cancel_on_disconnect = false;
}

const canonicalNamespaces = (list: unknown): unknown => (list as string[]).map(canonicalNamespace);

export class RunStreamQuery {
  /**
   * Only events of these parts of the graph, each without the subgraphs inside it: paths like `outer:<task id>|inner:<task
   * id>`, or `outer|inner` for all tasks; an empty text for the root graph.
   */
  @FromQueryStrings()
  @TextList()
  @readAs(canonicalNamespaces)
  namespace?: string[];
}

export class RunJoinStreamQuery extends RunStreamQuery {
  /** Cancel the run when this client goes away before its end. */
  @FromQueryFlag()
  @Flag({ default: false })
  cancel_on_disconnect = false;
  /** Only events of these modes. */
  @FromQueryList()
  @ListOf(STREAM_MODES)
  stream_mode?: StreamMode[];
}
