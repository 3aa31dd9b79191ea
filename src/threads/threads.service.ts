import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type AuthFilter, matches } from '../auth/index.js';
import { JsonText, newId, toJsonb } from '../common/index.js';
import { type SseBody } from '../http/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { columns, Notifications, type Queryable, Sql, SqlParameters } from '../database/index.js';
import { DELETE_THREADS } from '../execution/index.js';
import { deleteStreams } from '../streams/index.js';
import { type Thread, toThread } from './dto/thread.dto.js';
import type { ThreadCreate, ThreadPatch, ThreadStreamQuery } from './dto/thread-requests.dto.js';
import { ThreadEntity } from './thread.entity.js';
import { threadConditions } from './thread-filter.js';
import { ThreadStreamService } from './thread-stream.service.js';
import { defaultTtl, type ThreadTtl, toTtl, toWireTtl } from './thread-ttl.js';
import { ThreadExistsError, ThreadNotFoundError } from './threads.errors.js';

/** Creates, reads, updates and deletes thread rows. {@link ThreadStateService} handles their state. */
@Injectable()
export class ThreadsService {
  constructor(
    @InjectRepository(ThreadEntity) private readonly threads: Repository<ThreadEntity>,
    private readonly sql: Sql,
    private readonly notifications: Notifications,
    private readonly stream: ThreadStreamService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** `visible`: threads that the caller may see. Throws {@link ThreadExistsError}. */
  async create(body: ThreadCreate, visible?: AuthFilter): Promise<Thread> {
    const thread_id = body.thread_id ?? newId();
    const isNew = await this.insert(this.sql, thread_id, body);
    return isNew ? this.get(thread_id) : this.getExisting(thread_id, visible);
  }

  /** Returns the existing thread. A thread of another user is not revealed, except that its id is taken. */
  async getExisting(thread_id: string, visible?: AuthFilter): Promise<Thread> {
    const thread = await this.get(thread_id);
    if (visible && !matches(visible, thread.metadata)) {
      throw new ThreadExistsError(thread_id);
    }
    return thread;
  }

  /** Returns false when the thread exists and `if_exists` allows it. Throws {@link ThreadExistsError} otherwise. */
  async insert(db: Queryable, thread_id: string, body: ThreadCreate): Promise<boolean> {
    const { metadata = {}, if_exists = 'raise' } = body;
    const ttl = toTtl(body.ttl) ?? defaultTtl(this.config.thread_ttl);
    const { rows } = await db.query(INSERT_THREAD, [thread_id, toJsonb(metadata), ...ttlValues(ttl)]);
    const isNew = rows.length > 0;
    if (!isNew && if_exists === 'raise') {
      throw new ThreadExistsError(thread_id);
    }
    return isNew;
  }

  /** True when a thread with this id exists, even one that the caller may not see. */
  isTaken(thread_id: string): Promise<boolean> {
    return this.threads.existsBy({ thread_id });
  }

  /** Throws {@link ThreadNotFoundError}. */
  async get(thread_id: string, include: readonly 'ttl'[] = []): Promise<Thread> {
    const withTtl = include.includes('ttl');
    const { rows } = await this.sql.query<SerializedThread>(GET_THREAD, [thread_id]);
    if (rows.length === 0) {
      throw new ThreadNotFoundError(thread_id);
    }
    const [{ values, ...row }] = rows;
    const thread = toThread({ ...row, values: values === null ? null : new JsonText(() => values) });
    return { ...thread, ...(withTtl && { ttl: toWireTtl(row) }) };
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

  async update(thread_id: string, body: ThreadPatch): Promise<Thread> {
    await this.patch(thread_id, body);
    return this.get(thread_id);
  }

  /** Top-level keys of `metadata` replace stored ones. Throws {@link ThreadNotFoundError}. */
  async patch(thread_id: string, { metadata = {}, ttl: requested }: ThreadPatch): Promise<void> {
    const { rows } = await this.sql.query<PatchedThread>(PATCH_THREAD, [
      thread_id,
      toJsonb(metadata),
      ...ttlValues(toTtl(requested)),
    ]);
    if (rows.length === 0) {
      throw new ThreadNotFoundError(thread_id);
    }
    await this.stream.publishCurrentState(rows[0]);
  }

  /** The thread's stream. Throws {@link ThreadNotFoundError}. */
  async joinStream(thread_id: string, query: ThreadStreamQuery, lastEventId: string | undefined): Promise<SseBody> {
    await this.assertExists(thread_id);
    return this.stream.read(thread_id, query.modes, lastEventId ?? query.last_event_id);
  }

  /** Deletes a thread with its runs and checkpoints. Its active runs are cancelled. */
  async delete(thread_id: string): Promise<void> {
    await this.assertExists(thread_id);
    await this.sql.transaction((db) => this.deleteAll(db, [thread_id]));
    this.announceDeleted([thread_id]);
  }

  /** The threads of an assistant, by metadata, that the caller may see. */
  async idsOfAssistant(db: Queryable, assistant_id: string, visible?: AuthFilter): Promise<string[]> {
    const parameters = new SqlParameters();
    const where = threadConditions({ metadata: { assistant_id }, visible }, parameters);
    const { rows } = await db.query<{ thread_id: string }>(
      `SELECT thread_id FROM threads thread WHERE ${where}`,
      parameters.values,
    );
    return rows.map(({ thread_id }) => thread_id);
  }

  /** Deletes threads in the caller's transaction; their runs cascade. Call {@link announceDeleted} after the commit. */
  async deleteAll(db: Queryable, thread_ids: string[]): Promise<void> {
    await db.query('DELETE FROM threads WHERE thread_id = ANY($1)', [thread_ids]);
    await db.query(DELETE_THREADS, [thread_ids]);
    await deleteStreams(db, thread_ids);
  }

  announceDeleted(thread_ids: string[]): void {
    for (const id of thread_ids) {
      this.notifications.publish({ topic: 'thread_deleted', id });
    }
  }
}

/** A row whose state stays serialized. */
type SerializedThread = Omit<ThreadEntity, 'values'> & { values: string | null };

const GET_THREAD = `
  SELECT thread_id, created_at, updated_at, state_updated_at, metadata, config, status, values::text AS values, interrupts,
         error, ttl_minutes, ttl_strategy
  FROM threads WHERE thread_id = $1 AND NOT hidden`;

type PatchedThread = Pick<ThreadEntity, 'thread_id' | 'metadata' | 'config'>;

/** $3 and $4 are the TTL, or null. */
const INSERT_THREAD = `
  INSERT INTO threads (thread_id, metadata, ttl_minutes, ttl_strategy, expires_at)
  VALUES ($1, $2, $3, $4, clock_timestamp() + $3::double precision * interval '1 minute')
  ON CONFLICT DO NOTHING RETURNING thread_id`;

/** Without a TTL ($3 and $4), the thread keeps its own. */
const PATCH_THREAD = `
  UPDATE threads SET
    metadata = metadata || $2::jsonb, updated_at = now(),
    ttl_minutes = coalesce($3, ttl_minutes), ttl_strategy = coalesce($4, ttl_strategy),
    expires_at = coalesce(clock_timestamp() + $3::double precision * interval '1 minute', expires_at)
  WHERE thread_id = $1 AND NOT hidden
  RETURNING thread_id, metadata, config`;

const ttlValues = (ttl: ThreadTtl | undefined): unknown[] => [ttl?.minutes ?? null, ttl?.strategy ?? null];
