import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository, SelectQueryBuilder } from 'typeorm';
import { type AuthFilter, filterQuery, matches } from '../auth/index.js';
import { isDerivedId, newId, systemAssistantId, toJsonb, ValidationFailedError } from '../common/index.js';
import { type Page } from '../http/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { type Queryable, Sql } from '../database/index.js';
import { GraphRegistry } from '../execution/index.js';
import { ThreadsService } from '../threads/index.js';
import { AssistantEntity, AssistantVersionEntity } from './assistant.entity.js';
import {
  AssistantExistsError,
  AssistantNotFoundError,
  AssistantVersionNotFoundError,
  GraphAssistantTakenError,
  ReservedAssistantIdError,
  SystemAssistantError,
} from './assistants.errors.js';
import {
  type Assistant,
  ASSISTANT_FIELDS,
  type AssistantVersion,
  toAssistant,
  toAssistantVersion,
} from './dto/assistant.dto.js';
import type {
  AssistantCountRequest,
  AssistantCreate,
  AssistantPatch,
  AssistantSearchRequest,
  AssistantVersionsRequest,
} from './dto/assistant-requests.dto.js';
import { toAssistantId } from './assistant-id.js';

/** The fields that a version stores. */
type VersionContent = Pick<
  AssistantEntity,
  'assistant_id' | 'graph_id' | 'name' | 'description' | 'config' | 'context' | 'metadata'
>;

/** Manages assistants and their versions. Every graph of langgraph.json has a system assistant. */
@Injectable()
export class AssistantsService implements OnApplicationBootstrap {
  constructor(
    @InjectRepository(AssistantEntity) private readonly assistants: Repository<AssistantEntity>,
    @InjectRepository(AssistantVersionEntity) private readonly versions: Repository<AssistantVersionEntity>,
    private readonly sql: Sql,
    private readonly graphs: GraphRegistry,
    private readonly threads: ThreadsService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Creates missing system assistants (behaviours 2.1, 2.2). Throws {@link GraphAssistantTakenError}. */
  async onApplicationBootstrap(): Promise<void> {
    for (const { graph_id, description } of this.config.graphs) {
      const defaults = this.config.graph_defaults[graph_id];
      const assistant_id = systemAssistantId(graph_id);
      const isNew = await this.insert({
        assistant_id,
        graph_id,
        name: graph_id,
        description: description ?? null,
        config: defaults?.config ?? {},
        context: defaults?.context ?? {},
        metadata: { created_by: 'system' },
      });
      if (!isNew) {
        await this.assertSystemAssistant(graph_id, assistant_id);
      }
    }
  }

  /**
   * `visible` is a filter for the rows that the caller may see. An id that the server could derive is never registered
   * for a client, see docs/decisions/0023. Throws {@link AssistantExistsError} or {@link ReservedAssistantIdError}.
   */
  async create(body: AssistantCreate, visible?: AuthFilter): Promise<Assistant> {
    const graph_id = body.graph_id ?? this.onlyGraph();
    this.graphs.assertExists(graph_id);
    const { assistant_id = newId(), config = {}, context = {}, metadata = {}, name, description = null } = body;
    const content = { assistant_id, graph_id, description, config, context, metadata };
    const isReserved = isDerivedId(assistant_id);
    const isNew =
      !isReserved && (await this.insert({ ...content, name: name === '' ? graph_id : (name ?? 'Untitled') }));
    const row = await this.assistants.findOneBy({ assistant_id });
    if (!row) {
      throw isReserved ? new ReservedAssistantIdError(assistant_id) : new AssistantNotFoundError(assistant_id);
    }
    const assistant = toAssistant(row);
    const isHidden = visible !== undefined && !matches(visible, assistant.metadata);
    if (!isNew && (isHidden || body.if_exists !== 'do_nothing')) {
      throw new AssistantExistsError(assistant_id);
    }
    return assistant;
  }

  async get(assistant_id: string): Promise<Assistant> {
    return toAssistant(await this.resolve(assistant_id));
  }

  /**
   * Finds an assistant by its id, or a system assistant by the name of its graph. Throws {@link
   * AssistantNotFoundError}.
   */
  async resolve(assistant_id: string): Promise<AssistantEntity> {
    const row = await this.assistants.findOneBy({ assistant_id: toAssistantId(assistant_id, this.graphs) });
    if (!row) {
      throw new AssistantNotFoundError(assistant_id);
    }
    return row;
  }

  async search(request: AssistantSearchRequest, visible?: AuthFilter): Promise<Page<Assistant>> {
    const { limit, offset, sort_by = 'created_at', sort_order = 'desc', select = ASSISTANT_FIELDS } = request;
    const direction = sort_order === 'asc' ? 'ASC' : 'DESC';
    const query = this.matching(request, visible)
      .orderBy(`assistant.${sort_by}`, direction)
      .addOrderBy('assistant.assistant_id', direction)
      .limit(limit)
      .offset(offset);
    const [rows, total] = await Promise.all([query.getMany(), this.matching(request, visible).getCount()]);
    return { rows: rows.map((row) => toAssistant(row, select)), total };
  }

  count(request: AssistantCountRequest, visible?: AuthFilter): Promise<number> {
    return this.matching(request, visible).getCount();
  }

  /** Every update, even an empty one, creates a new version and makes it the current one. */
  async update(assistant_id: string, patch: AssistantPatch): Promise<Assistant> {
    if (patch.graph_id) {
      this.graphs.assertExists(patch.graph_id);
    }
    return this.withLock(assistant_id, async (db, row) => {
      const { graph_id, config, context, metadata, name, description } = patch;
      const given = { graph_id, config, context, name, description };
      const content = { ...contentOf(row), ...withoutAbsent(given), metadata: { ...row.metadata, ...metadata } };
      const { rows } = await db.query<{ version: number }>(ADD_VERSION, valuesOf(content));
      return { ...content, version: rows[0].version };
    });
  }

  /** Whether this is the system assistant of a graph. */
  isSystemAssistant(assistant_id: string): boolean {
    return this.graphs.ids.some((graph_id) => systemAssistantId(graph_id) === assistant_id);
  }

  /** Deletes the assistant with its versions and runs. With `delete_threads`, also its threads that match `threads`. */
  async delete(assistant_id: string, delete_threads: boolean, threads?: AuthFilter): Promise<void> {
    const id = (await this.resolve(assistant_id)).assistant_id;
    if (this.isSystemAssistant(id)) {
      throw new SystemAssistantError(id);
    }
    const deleted = await this.sql.transaction(async (db) => {
      const thread_ids = delete_threads ? await this.threads.idsOfAssistant(db, id, threads) : [];
      await this.threads.deleteAll(db, thread_ids);
      await db.query('DELETE FROM assistants WHERE assistant_id = $1', [id]);
      return thread_ids;
    });
    this.threads.announceDeleted(deleted);
  }

  /**
   * Newest first. An unknown assistant is not found (contract 7.14); a filter without matches returns an empty list.
   */
  async getVersions(assistant_id: string, request: AssistantVersionsRequest): Promise<AssistantVersion[]> {
    const query = this.versions
      .createQueryBuilder('version')
      .where('version.assistant_id = :assistant_id', { assistant_id: toAssistantId(assistant_id, this.graphs) })
      .orderBy('version.version', 'DESC')
      .limit(request.limit)
      .offset(request.offset);
    if (request.metadata) {
      query.andWhere('version.metadata @> :metadata::jsonb', { metadata: toJsonb(request.metadata) });
    }
    const rows = await query.getMany();
    if (rows.length === 0) {
      await this.resolve(assistant_id);
    }
    return rows.map(toAssistantVersion);
  }

  /** Makes a version the current one, with all its fields. */
  setLatest(assistant_id: string, version: number): Promise<Assistant> {
    return this.withLock(assistant_id, async (db, row) => {
      const { rows } = await db.query<AssistantVersionEntity>(FIND_VERSION, [row.assistant_id, version]);
      if (rows.length === 0) {
        throw new AssistantVersionNotFoundError(row.assistant_id, version);
      }
      return { ...contentOf(rows[0]), version };
    });
  }

  /** Changes the current version under a row lock, so that concurrent changes are serialized. */
  private async withLock(
    assistant_id: string,
    change: (db: Queryable, row: AssistantEntity) => Promise<VersionContent & { version: number }>,
  ): Promise<Assistant> {
    const id = toAssistantId(assistant_id, this.graphs);
    return this.sql.transaction(async (db) => {
      const { rows } = await db.query<AssistantEntity>(LOCK_ASSISTANT, [id]);
      if (rows.length === 0) {
        throw new AssistantNotFoundError(assistant_id);
      }
      const { version, ...content } = await change(db, rows[0]);
      const { rows: updated } = await db.query<AssistantEntity>(UPDATE_ASSISTANT, [...valuesOf(content), version]);
      return toAssistant(updated[0]);
    });
  }

  /** False when the id is taken; then nothing is written. */
  private async insert(content: VersionContent): Promise<boolean> {
    const { rows } = await this.sql.query(INSERT_ASSISTANT, valuesOf(content));
    return rows.length > 0;
  }

  /**
   * Version 1 of a system assistant names its graph, and no client can change that. Version 1 of a client's assistant
   * with this id names another graph, because this graph did not exist when the client created it.
   */
  private async assertSystemAssistant(graph_id: string, assistant_id: string): Promise<void> {
    if (!(await this.versions.existsBy({ assistant_id, version: 1, graph_id }))) {
      throw new GraphAssistantTakenError(graph_id, assistant_id);
    }
  }

  private matching(
    { metadata, graph_id, name }: AssistantCountRequest,
    visible?: AuthFilter,
  ): SelectQueryBuilder<AssistantEntity> {
    const query = this.assistants.createQueryBuilder('assistant').where('true');
    if (metadata) {
      query.andWhere('assistant.metadata @> :metadata::jsonb', { metadata: toJsonb(metadata) });
    }
    if (graph_id) {
      query.andWhere('assistant.graph_id = :graph_id', { graph_id });
    }
    if (name) {
      const pattern = `%${name.replace(/[\\%_]/g, '\\$&')}%`;
      query.andWhere('lower(assistant.name) LIKE lower(:pattern)', { pattern });
    }
    return filterQuery(query, visible, 'assistant.metadata');
  }

  private onlyGraph(): string {
    const [graph_id, ...others] = this.graphs.ids;
    if (graph_id === undefined || others.length > 0) {
      const message = `is required: this server has the graphs ${this.graphs.ids.join(', ')}`;
      throw new ValidationFailedError([{ path: 'graph_id', message }]);
    }
    return graph_id;
  }
}

const LOCK_ASSISTANT = 'SELECT * FROM assistants WHERE assistant_id = $1 FOR UPDATE';

const FIND_VERSION = 'SELECT * FROM assistant_versions WHERE assistant_id = $1 AND version = $2';

/** The columns of {@link valuesOf}. */
const CONTENT = 'assistant_id, graph_id, name, description, config, context, metadata';

/** An assistant with its first version. */
const INSERT_ASSISTANT = `
  WITH assistant AS (
    INSERT INTO assistants (${CONTENT}, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT DO NOTHING RETURNING *
  )
  INSERT INTO assistant_versions (${CONTENT}, version) SELECT ${CONTENT}, version FROM assistant RETURNING assistant_id`;

/** The lock on the assistant keeps the number free. */
const ADD_VERSION = `
  INSERT INTO assistant_versions (${CONTENT}, version)
  SELECT $1::uuid, $2, $3, $4, $5::jsonb, $6::jsonb, $7::jsonb, max(version) + 1
  FROM assistant_versions WHERE assistant_id = $1 RETURNING version`;

const UPDATE_ASSISTANT = `
  UPDATE assistants SET graph_id = $2, name = $3, description = $4, config = $5, context = $6, metadata = $7,
    version = $8, updated_at = now()
  WHERE assistant_id = $1 RETURNING *`;

const valuesOf = ({
  assistant_id,
  graph_id,
  name,
  description,
  config,
  context,
  metadata,
}: VersionContent): unknown[] => [
  ...[assistant_id, graph_id, name, description],
  ...[config, context, metadata].map(toJsonb),
];

const contentOf = (row: VersionContent): VersionContent => {
  const { assistant_id, graph_id, name, description, config, context, metadata } = row;
  return { assistant_id, graph_id, name, description, config, context, metadata };
};

const withoutAbsent = <T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };
