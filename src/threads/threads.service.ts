import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository, SelectQueryBuilder } from 'typeorm';
import { type JsonObject, newId, type Page, refuseUnsupported, type SseBody, toJsonb } from '../common/index.js';
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
import { ThreadEntity } from './thread.entity.js';
import { ThreadStreamService } from './thread-stream.service.js';
import { ThreadExistsError, ThreadNotFoundError } from './threads.errors.js';

/** Threads as rows; their state is {@link ThreadStateService}'s. */
@Injectable()
export class ThreadsService {
  constructor(
    @InjectRepository(ThreadEntity) private readonly threads: Repository<ThreadEntity>,
    private readonly notifications: Notifications,
    private readonly stream: ThreadStreamService,
  ) {}

  async create(body: ThreadCreate): Promise<Thread> {
    refuseUnsupported(body, ['supersteps', 'ttl']);
    const { thread_id = newId(), metadata = {}, if_exists = 'raise' } = body;
    const inserted = await this.threads
      .createQueryBuilder()
      .insert()
      .values({ thread_id, metadata: metadata as never })
      .orIgnore()
      .returning('thread_id')
      .execute();
    const isNew = (inserted.raw as unknown[]).length > 0;
    if (!isNew && if_exists === 'raise') {
      throw new ThreadExistsError(thread_id);
    }
    return this.get(thread_id);
  }

  /** Throws {@link ThreadNotFoundError}. */
  async get(thread_id: string): Promise<Thread> {
    return toThread(await this.find(thread_id, THREAD_FIELDS));
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
    refuseUnsupported(request, ['extract']);
    const { limit, offset, sort_by = 'updated_at', sort_order = 'desc', select = THREAD_FIELDS } = request;
    const direction = sort_order === 'asc' ? 'ASC' : 'DESC';
    const query = this.matching(request)
      .select([...new Set(['thread_id', ...select.filter(isThreadField)])].map((field) => `thread.${field}`))
      .orderBy(`thread.${sort_by}`, direction, direction === 'ASC' ? 'NULLS FIRST' : 'NULLS LAST')
      .addOrderBy('thread.thread_id', direction)
      .limit(limit)
      .offset(offset);
    const [rows, total] = await Promise.all([query.getMany(), this.matching(request).getCount()]);
    return { rows: rows.map((row) => toThread(row, select)), total };
  }

  count(request: ThreadCountRequest): Promise<number> {
    return this.matching(request).getCount();
  }

  async update(thread_id: string, body: ThreadPatch): Promise<Thread> {
    refuseUnsupported(body, ['ttl']);
    await this.mergeMetadata(thread_id, body.metadata ?? {});
    return this.get(thread_id);
  }

  /** Top-level keys of `metadata` replace stored ones. Throws {@link ThreadNotFoundError}. */
  async mergeMetadata(thread_id: string, metadata: JsonObject): Promise<void> {
    const { affected } = await this.threads
      .createQueryBuilder()
      .update()
      .set({ metadata: () => 'metadata || :patch::jsonb', updated_at: () => 'now()' })
      .where('thread_id = :thread_id AND NOT hidden', { thread_id })
      .setParameter('patch', toJsonb(metadata))
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
