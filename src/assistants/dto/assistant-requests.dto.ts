import { type JsonObject } from '../../common/index.js';
import {
  Config,
  BooleanField,
  FromQueryFlag,
  FromQueryNumber,
  Id,
  IdOrName,
  Limit,
  ListOf,
  Metadata,
  MetadataFilter,
  Nested,
  Offset,
  OneOf,
  Settings,
  StringField,
  IntegerField,
} from '../../http/index.js';
import { ASSISTANT_FIELDS, type AssistantField } from './assistant.dto.js';

/** The assistant of the examples page. */
export const EXAMPLE_ASSISTANT_ID = '0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071';

export class AssistantParams {
  /** Id of the assistant, or a graph name for the system assistant of that graph. */
  @IdOrName({ required: true, example: EXAMPLE_ASSISTANT_ID })
  assistant_id: string;
}

export class AssistantDeleteQuery {
  /** Whether to also delete the threads whose metadata contains this `assistant_id`. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  delete_threads = false;
}

/** Body of "update an assistant"; every field is optional (contract 1.1). */
export class AssistantPatch {
  /** Graph of the assistant. */
  @StringField()
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
  /** Display name. */
  @StringField()
  name?: string;
  /** Description of the assistant. */
  @StringField()
  description?: string;
}

/** Body of "create an assistant" (contract 1.1). */
export class AssistantCreate {
  /** Graph of the assistant. Optional when the server has only one graph. */
  @StringField()
  graph_id?: string;
  /** Id of the new assistant; a random one when absent. */
  @Id()
  assistant_id?: string;
  /** Default config of its runs. */
  @Nested(() => Config, { storable: true })
  config?: Config;
  /** Default context of its runs. */
  @Settings()
  context?: JsonObject;
  /** Metadata of the assistant; also added to the metadata of its runs. */
  @Metadata()
  metadata?: JsonObject;
  /** What happens when the id is taken: `raise` responds with 409, `do_nothing` returns the existing assistant. */
  @OneOf(['raise', 'do_nothing'], { default: 'raise' })
  if_exists?: 'raise' | 'do_nothing';
  /** Display name; `Untitled` when absent. */
  @StringField()
  name?: string;
  /** Description of the assistant. */
  @StringField()
  description?: string;
}

/** Filters of search and count; an assistant must match all of them. */
export class AssistantCountRequest {
  /** Assistants whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Assistants of this graph. */
  @StringField()
  graph_id?: string;
  /** Assistants whose name contains this string; case-insensitive. */
  @StringField()
  name?: string;
}

export const ASSISTANT_SORT_FIELDS = ['assistant_id', 'graph_id', 'name', 'created_at', 'updated_at'] as const;

/** Body of "search assistants". */
export class AssistantSearchRequest extends AssistantCountRequest {
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Field to sort by; ties are broken by id. */
  @OneOf(ASSISTANT_SORT_FIELDS, { default: 'created_at' })
  sort_by?: (typeof ASSISTANT_SORT_FIELDS)[number];
  /** Sort direction. */
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

/** The column of version numbers has 32 bits. */
const MAX_VERSION = 2_147_483_647;

/** Body of "make a version the current one". */
export class AssistantSetLatest {
  /** Version number. */
  @IntegerField({ minimum: 1, maximum: MAX_VERSION })
  version?: number;
}

export class AssistantSetLatestQuery {
  /** Version number, when the body does not contain it. */
  @FromQueryNumber()
  @IntegerField({ minimum: 1, maximum: MAX_VERSION })
  version?: number;
}
