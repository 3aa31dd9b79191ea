import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, QueryDeepPartialEntity, Repository, SelectQueryBuilder } from 'typeorm';
import { newId, type Page, type SseBody, toJsonb } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { columns, Notifications } from '../database/index.js';
import { DELETE_THREADS } from '../execution/index.js';
import { deleteStreams } from '../streams/index.js';
import { isThreadField, THREAD_FIELDS, type Thread, toThread } from './dto/thread.dto.js';
import type {
  ThreadCountRequest,
  ThreadCreate,
  ThreadPatch,
  ThreadSearchRequest,
  ThreadStreamQuery,
} from './dto/thread-requests.dto.js';
import { parsePath } from './extract.js';
import { ThreadEntity } from './thread.entity.js';
import { ThreadStreamService } from './thread-stream.service.js';
import { defaultTtl, type ThreadTtl, toTtl, toWireTtl } from './thread-ttl.js';
import { ThreadExistsError, ThreadNotFoundError } from './threads.errors.js';

/** Threads as rows; their state is {@link ThreadStateService}'s. */
@Injectable()
export class ThreadsService {
  constructor(
    @InjectRepository(ThreadEntity) private readonly threads: Repository<ThreadEntity>,
    private readonly notifications: Notifications,
    private readonly stream: ThreadStreamService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  async create(body: ThreadCreate): Promise<Thread> {
    const thread_id = body.thread_id ?? newId();
    await this.insert(this.threads.manager, thread_id, body);
    return this.get(thread_id);
  }

  /** False when the thread was there already, and that is all right. Throws {@link ThreadExistsError}. */
  async insert(manager: EntityManager, thread_id: string, body: ThreadCreate): Promise<boolean> {
    const { metadata = {}, if_exists = 'raise' } = body;
    const ttl = toTtl(body.ttl) ?? defaultTtl(this.config.thread_ttl);
    const inserted = await manager
      .createQueryBuilder()
      .insert()
      .into(ThreadEntity)
      .values({ thread_id, metadata: metadata as never, ...ttlColumns(ttl) })
      .orIgnore()
      .returning('thread_id')
      .setParameter('minutes', ttl?.minutes)
      .execute();
    const isNew = (inserted.raw as unknown[]).length > 0;
    if (!isNew && if_exists === 'raise') {
      throw new ThreadExistsError(thread_id);
    }
    return isNew;
  }

  /** Throws {@link ThreadNotFoundError}. */
  async get(thread_id: string, include: readonly 'ttl'[] = []): Promise<Thread> {
    const withTtl = include.includes('ttl');
    const row = await this.find(thread_id, [...THREAD_FIELDS, ...(withTtl ? TTL_COLUMNS : [])]);
    return { ...toThread(row), ...(withTtl && { ttl: toWireTtl(row) }) };
  }

  /** The row with only the given columns loaded. Throws {@link ThreadNotFoundError}. */
  async find(thread_id: string, fields: readonly (keyof ThreadEntity)[]): Promise<ThreadEntity> {
    const row = await this.threads.findOne({ where: { thread_id, hidden: false }, select: columns(fields) });
    if (!row) {
      throw new ThreadNotFoundError(thread_id);
    }
    return row;
  }

  /** Throws {@link ThreadNotFoundError}. */
  async assertExists(thread_id: string): Promise<void> {
    await this.find(thread_id, ['thread_id']);
  }

  async search(request: ThreadSearchRequest): Promise<Page<Thread>> {
    const { limit, offset, extract, sort_by = 'updated_at', sort_order = 'desc', select = THREAD_FIELDS } = request;
    const direction = sort_order === 'asc' ? 'ASC' : 'DESC';
    const query = this.matching(request)
      .select([...new Set(['thread_id', ...select.filter(isThreadField)])].map((field) => `thread.${field}`))
      .orderBy(`thread.${sort_by}`, direction, direction === 'ASC' ? 'NULLS FIRST' : 'NULLS LAST')
      .addOrderBy('thread.thread_id', direction)
      .limit(limit)
      .offset(offset);
    if (extract) {
      selectExtracted(query, extract);
    }
    const [{ entities, raw }, total] = await Promise.all([
      query.getRawAndEntities<{ extracted: Thread['extracted'] }>(),
      this.matching(request).getCount(),
    ]);
    const rows = entities.map((row, index) => ({
      ...toThread(row, select),
      ...(extract && { extracted: raw[index].extracted }),
    }));
    return { rows, total };
  }

  count(request: ThreadCountRequest): Promise<number> {
    return this.matching(request).getCount();
  }

  async update(thread_id: string, body: ThreadPatch): Promise<Thread> {
    await this.patch(thread_id, body);
    return this.get(thread_id);
  }

  /** Top-level keys of `metadata` replace stored ones. Throws {@link ThreadNotFoundError}. */
  async patch(thread_id: string, { metadata = {}, ttl: asked }: ThreadPatch): Promise<void> {
    const ttl = toTtl(asked);
    const { affected } = await this.threads
      .createQueryBuilder()
      .update()
      .set({ metadata: () => 'metadata || :patch::jsonb', updated_at: () => 'now()', ...ttlColumns(ttl) })
      .where('thread_id = :thread_id AND NOT hidden', { thread_id })
      .setParameters({ patch: toJsonb(metadata), minutes: ttl?.minutes })
      .execute();
    if (affected === 0) {
      throw new ThreadNotFoundError(thread_id);
    }
    await this.stream.stateChanged(await this.find(thread_id, ['thread_id', 'metadata', 'config']));
  }

  /** The thread's stream. Throws {@link ThreadNotFoundError}. */
  async joinStream(thread_id: string, query: ThreadStreamQuery, lastEventId: string | undefined): Promise<SseBody> {
    await this.assertExists(thread_id);
    return this.stream.read(thread_id, query.modes, lastEventId ?? query.last_event_id);
  }

  /** Deletes threads with their runs and checkpoints; work under way on them is stopped. */
  async delete(thread_id: string): Promise<void> {
    await this.assertExists(thread_id);
    await this.threads.manager.transaction((manager) => this.deleteAll(manager, [thread_id]));
    this.announceDeleted([thread_id]);
  }

  /** The threads of an assistant, by their metadata. */
  async idsOfAssistant(manager: EntityManager, assistant_id: string): Promise<string[]> {
    const rows = await manager
      .createQueryBuilder(ThreadEntity, 'thread')
      .select('thread.thread_id')
      .where('thread.metadata @> :owner::jsonb AND NOT thread.hidden', { owner: toJsonb({ assistant_id }) })
      .getMany();
    return rows.map(({ thread_id }) => thread_id);
  }

  /** Part of the caller's transaction; the runs go with the rows. Announce it after the commit. */
  async deleteAll(manager: EntityManager, thread_ids: string[]): Promise<void> {
    await manager.query('DELETE FROM threads WHERE thread_id = ANY($1)', [thread_ids]);
    await manager.query(DELETE_THREADS, [thread_ids]);
    await deleteStreams(manager, thread_ids);
  }

  announceDeleted(thread_ids: string[]): void {
    for (const id of thread_ids) {
      this.notifications.publish({ topic: 'thread_deleted', id });
    }
  }

  private matching(request: ThreadCountRequest & { ids?: string[] }): SelectQueryBuilder<ThreadEntity> {
    const { metadata, values, status, ids } = request;
    const query = this.threads.createQueryBuilder('thread').where('NOT thread.hidden');
    if (metadata) {
      query.andWhere('thread.metadata @> :metadata::jsonb', { metadata: toJsonb(metadata) });
    }
    if (values) {
      query.andWhere('thread.values @> :values::jsonb', { values: toJsonb(values) });
    }
    if (status) {
      query.andWhere('thread.status = :status', { status });
    }
    if (ids) {
      query.andWhere('thread.thread_id = ANY(:ids)', { ids });
    }
    return query;
  }
}

const TTL_COLUMNS = ['ttl_minutes', 'ttl_strategy'] as const;

/** With the parameter `minutes`; nothing when no ttl was asked for. */
const ttlColumns = (ttl: ThreadTtl | undefined): QueryDeepPartialEntity<ThreadEntity> =>
  ttl
    ? {
        ttl_minutes: ttl.minutes,
        ttl_strategy: ttl.strategy,
        expires_at: () => `clock_timestamp() + :minutes * interval '1 minute'`,
      }
    : {};

/** Adds one column with all paths: nothing else of the columns they reach into leaves the database. */
function selectExtracted(query: SelectQueryBuilder<ThreadEntity>, extract: Record<string, string>): void {
  const parts = Object.entries(extract).map(([alias, path], index) => {
    const { column, keys } = parsePath(path)!;
    query.setParameters({ [`alias${index}`]: alias, [`keys${index}`]: keys });
    return `:alias${index}::text, thread.${column} #> :keys${index}::text[]`;
  });
  query.addSelect(`jsonb_build_object(${parts.join(', ')})`, 'extracted');
}
