import {
  Config,
  Flag,
  FromQueryFlag,
  FromQueryNumber,
  Id,
  IdOrName,
  type JsonObject,
  Limit,
  ListOf,
  Metadata,
  MetadataFilter,
  Nested,
  Offset,
  OneOf,
  Settings,
  Text,
  Whole,
} from '../../common/index.js';
import { ASSISTANT_FIELDS, type AssistantField } from './assistant.dto.js';

/** The assistant the page of examples works with. */
export const EXAMPLE_ASSISTANT_ID = '0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071';

export class AssistantParams {
  /** Id of the assistant, or the name of a graph for its system assistant. */
  @IdOrName({ required: true, example: EXAMPLE_ASSISTANT_ID })
  assistant_id: string;
}

export class AssistantDeleteQuery {
  /** Delete the assistant's threads too: those whose metadata names it. */
  @FromQueryFlag()
  @Flag({ default: false })
  delete_threads = false;
}

/** Body of "update an assistant"; every field may be left out (contract 1.1). */
export class AssistantPatch {
  /** Graph to run. */
  @Text()
  graph_id?: string;
  /** Replaces the config. */
  @Nested(() => Config, { storable: true })
  config?: Config;
  /** Replaces the context. */
  @Settings()
  context?: JsonObject;
  /** Merged into the stored metadata, key by key at the top level. */
  @Metadata()
  metadata?: JsonObject;
  /** Name for people. */
  @Text()
  name?: string;
  /** What it is for. */
  @Text()
  description?: string;
}

/** Body of "create an assistant" (contract 1.1). */
export class AssistantCreate {
  /** Graph to run. May be left out when the server has only one. */
  @Text()
  graph_id?: string;
  /** Id to give to the assistant; a new one when absent. */
  @Id()
  assistant_id?: string;
  /** Config that every run begins with. */
  @Nested(() => Config, { storable: true })
  config?: Config;
  /** Context that every run begins with. */
  @Settings()
  context?: JsonObject;
  /** Keys of the caller's choice; handed on to runs. */
  @Metadata()
  metadata?: JsonObject;
  /** What to do when the id is taken: refuse, or return the existing assistant unchanged. */
  @OneOf(['raise', 'do_nothing'], { default: 'raise' })
  if_exists?: 'raise' | 'do_nothing';
  /** Name for people; `Untitled` when absent. */
  @Text()
  name?: string;
  /** What it is for. */
  @Text()
  description?: string;
}

/** Filters of search and count; an assistant matches when all of them do. */
export class AssistantCountRequest {
  /** Assistants whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Assistants of this graph. */
  @Text()
  graph_id?: string;
  /** Assistants whose name contains this text, in any case. */
  @Text()
  name?: string;
}

export const ASSISTANT_SORT_FIELDS = ['assistant_id', 'graph_id', 'name', 'created_at', 'updated_at'] as const;

/** Body of "search assistants". */
export class AssistantSearchRequest extends AssistantCountRequest {
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** What to sort by; ties are broken by id. */
  @OneOf(ASSISTANT_SORT_FIELDS, { default: 'created_at' })
  sort_by?: (typeof ASSISTANT_SORT_FIELDS)[number];
  /** Direction of the order. */
  @OneOf(['asc', 'desc'], { default: 'desc' })
  sort_order?: 'asc' | 'desc';
  /** Return only these fields. */
  @ListOf(ASSISTANT_FIELDS)
  select?: AssistantField[];
}

/** Body of "list the versions of an assistant". */
export class AssistantVersionsRequest {
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Versions whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
}

/** Versions are numbered by a 32-bit column. */
const MAX_VERSION = 2_147_483_647;

/** Body of "make a version the current one". */
export class AssistantSetLatest {
  /** Number of the version. */
  @Whole({ minimum: 1, maximum: MAX_VERSION })
  version?: number;
}

export class AssistantSetLatestQuery {
  /** Number of the version, when it is not in the body. */
  @FromQueryNumber()
  @Whole({ minimum: 1, maximum: MAX_VERSION })
  version?: number;
}
