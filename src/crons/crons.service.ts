import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository, SelectQueryBuilder } from 'typeorm';
import type { RunAssistant } from '../assistants/index.js';
import { type AuthContext, type AuthFilter, filterQuery, matches, ANONYMOUS } from '../auth/index.js';
import { isUuid, newId, type Page, systemAssistantId, toJsonb, ValidationFailedError } from '../common/index.js';
import type { Queryable } from '../database/index.js';
import { RunCreationService, RunPermissions } from '../runs/index.js';
import { type CronTiming, isDueOtherwise, runsOtherwise, settingsAfter } from './cron-change.js';
import { CronEntity } from './cron.entity.js';
import { CronChangedError, CronNotFoundError } from './crons.errors.js';
import { type Cron, CRON_FIELDS, type CronSelect, isCronField, toCron } from './dto/cron.dto.js';
import type { CronCountRequest, CronCreate, CronSearchRequest, CronUpdate } from './dto/cron-requests.dto.js';
import { readInstant } from './instant.js';
import { assertEndsLater, assertSchedule, nextRunDate } from './schedule.js';
import { runOf, type RunSource } from './scheduler/firing.js';

/** How often an update is decided again because another one came between its decision and its transaction. */
const MAX_TRIES = 5;

/** Crons as rows; they are fired by `CronScheduler`. `visible` is what the caller may see. */
@Injectable()
export class CronsService {
  constructor(
    @InjectRepository(CronEntity) private readonly crons: Repository<CronEntity>,
    private readonly creation: RunCreationService,
    private readonly permissions: RunPermissions,
  ) {}

  /** A cron whose runs could not be created is refused now. They are on behalf of the caller. */
  async create(body: CronCreate, thread_id?: string, auth: AuthContext = ANONYMOUS): Promise<Cron> {
    const { schedule, timezone = null, end_time, enabled = true, on_run_completed, metadata = {}, ...payload } = body;
    assertSize(payload);
    const now = await clock(this.crons.manager);
    const timing: CronTiming = { schedule, timezone, end_time: readInstant(end_time) ?? null, enabled };
    assertSchedule(timing, now);
    assertEndsLater(timing, now);
    const cron_id = newId();
    const row = {
      ...timing,
      cron_id,
      thread_id: thread_id ?? null,
      on_run_completed: on_run_completed ?? (thread_id ? null : 'delete'),
      metadata,
      ...callerColumns(auth),
      next_run_date: dueAfter(timing, now),
    };
    await this.writeWhenAllowed(auth, { ...row, payload }, async (manager, { assistant_id }) => {
      await manager.insert(CronEntity, { ...row, assistant_id, payload: { ...payload, assistant_id } } as never);
    });
    return this.get(cron_id);
  }

  /** Throws {@link CronNotFoundError}. */
  async get(cron_id: string, visible?: AuthFilter): Promise<Cron> {
    return toCron(await this.find(cron_id, visible));
  }

  async search(request: CronSearchRequest, visible?: AuthFilter): Promise<Page<Cron>> {
    const { limit, offset, sort_by = 'created_at', sort_order = 'desc' } = request;
    const select: readonly CronSelect[] = request.select ?? CRON_FIELDS;
    const direction = sort_order === 'asc' ? 'ASC' : 'DESC';
    const query = this.matching(request, visible)
      .select([...new Set(['cron_id', ...select.filter(isCronField)])].map((field) => `cron.${field}`))
      .addSelect('clock_timestamp()', 'now')
      .orderBy(`cron.${sort_by}`, direction, NULLABLE.has(sort_by) ? NULLS[direction] : undefined)
      .addOrderBy('cron.cron_id', direction)
      .limit(limit)
      .offset(offset);
    const [{ entities, raw }, total] = await Promise.all([
      query.getRawAndEntities<{ now: Date }>(),
      this.matching(request, visible).getCount(),
    ]);
    const rows = entities.map((row, index) => ({
      ...toCron(row, select),
      ...(select.includes('now') && { now: raw[index].now }),
    }));
    return { rows, total };
  }

  count(request: CronCountRequest, visible?: AuthFilter): Promise<number> {
    return this.matching(request, visible).getCount();
  }

  /**
   * Fields that are left out stay; metadata is merged. The caller must be allowed to create the runs that follow, and they
   * are on the caller's behalf from then on unless the update only changes when they are due. Throws
   * {@link CronNotFoundError}.
   */
  async update(cron_id: string, body: CronUpdate, auth: AuthContext = ANONYMOUS, visible?: AuthFilter): Promise<Cron> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      if (await this.tryUpdate(await this.find(cron_id, visible), body, auth, visible)) {
        return this.get(cron_id);
      }
    }
    throw new CronChangedError(cron_id);
  }

  /** Throws {@link CronNotFoundError}. */
  async delete(cron_id: string, visible?: AuthFilter): Promise<void> {
    await this.crons.manager.transaction(async (manager) => {
      await lock(manager, cron_id, visible);
      await manager.delete(CronEntity, { cron_id });
    });
  }

  /** False when the cron is not what the decision was made about. */
  private async tryUpdate(
    before: CronEntity,
    body: CronUpdate,
    auth: AuthContext,
    visible: AuthFilter | undefined,
  ): Promise<boolean> {
    const { cron_id, thread_id } = before;
    const after = settingsAfter(before, body);
    assertSize(after.payload);
    const takesOver = runsOtherwise(before, after);
    const write = async (manager: EntityManager): Promise<boolean> => {
      const row = await lock(manager, cron_id, visible);
      if (!isDeepStrictEqual(settingsAfter(row, body), after) || runsOtherwise(row, after) !== takesOver) {
        return false;
      }
      const now = await clock(manager);
      const isOther = isDueOtherwise(row, after);
      assertSchedule(after, now);
      if (body.end_time || (isOther && after.enabled)) {
        assertEndsLater(after, now);
      }
      await manager.update(CronEntity, { cron_id }, {
        ...after,
        ...(after.enabled && { disabled_reason: null }),
        ...(isOther && { next_run_date: dueAfter(after, now) }),
        ...(takesOver && callerColumns(auth)),
        updated_at: () => 'clock_timestamp()',
      } as never);
      return true;
    };
    return takesOver || (after.enabled && isDueOtherwise(before, after))
      ? this.writeWhenAllowed(auth, { ...after, thread_id }, write)
      : this.crons.manager.transaction(write);
  }

  /**
   * Decides whether the caller may create the runs of a cron, and then writes in a transaction in which that still holds:
   * from the decision on again when the assistant has changed in between.
   */
  private writeWhenAllowed<T>(
    auth: AuthContext,
    cron: RunSource,
    write: (manager: EntityManager, assistant: RunAssistant) => Promise<T>,
  ): Promise<T> {
    const { thread_id } = cron;
    return this.creation.retryOnStaleAssistant(undefined, async () => {
      const decided = await this.permissions.decide(auth, thread_id ?? undefined, runOf(cron));
      return this.crons.manager.transaction(async (manager) => {
        // The thread first: who deletes it locks it before its crons.
        await this.permissions.confirm(queryable(manager), decided, thread_id);
        return write(manager, decided.assistant);
      });
    });
  }

  private async find(cron_id: string, visible?: AuthFilter): Promise<CronEntity> {
    return assertFound(await this.crons.findOneBy({ cron_id }), cron_id, visible);
  }

  private matching(
    { assistant_id, thread_id, metadata, enabled }: CronCountRequest,
    visible?: AuthFilter,
  ): SelectQueryBuilder<CronEntity> {
    const query = this.crons.createQueryBuilder('cron').where('true');
    if (assistant_id) {
      const id = isUuid(assistant_id) ? assistant_id : systemAssistantId(assistant_id);
      query.andWhere('cron.assistant_id = :id', { id });
    }
    if (thread_id) {
      query.andWhere('cron.thread_id = :thread_id', { thread_id });
    }
    if (metadata) {
      query.andWhere('cron.metadata @> :metadata::jsonb', { metadata: toJsonb(metadata) });
    }
    if (enabled !== undefined) {
      query.andWhere('cron.enabled = :enabled', { enabled });
    }
    return filterQuery(query, visible, 'cron.metadata');
  }
}

/** Whoever fires crons has a hundred of them in memory. */
const MOST_CHARS = 1_000_000;

function assertSize(payload: object): void {
  if (JSON.stringify(payload).length > MOST_CHARS) {
    const message = `what a cron asks for may be ${MOST_CHARS} characters of JSON; let the graph load what is larger`;
    throw new ValidationFailedError([{ path: '', message }]);
  }
}

/** Sort fields that may be null; it comes after everything, as the indexes have it. */
const NULLABLE = new Set<string>(['thread_id', 'next_run_date', 'end_time']);
const NULLS = { ASC: 'NULLS FIRST', DESC: 'NULLS LAST' } as const;

/** The clock by which crons are due: that of the database, which all processes share. */
async function clock(manager: EntityManager): Promise<Date> {
  const [{ now }] = await manager.query<{ now: Date }[]>('SELECT clock_timestamp() AS now');
  return now;
}

/** Until the transaction ends the cron is neither fired nor changed. */
async function lock(manager: EntityManager, cron_id: string, visible: AuthFilter | undefined): Promise<CronEntity> {
  const row = await manager.findOne(CronEntity, { where: { cron_id }, lock: { mode: 'pessimistic_write' } });
  return assertFound(row, cron_id, visible);
}

/** Throws {@link CronNotFoundError}, also for a cron that the caller may not see. */
function assertFound(row: CronEntity | null, cron_id: string, visible: AuthFilter | undefined): CronEntity {
  if (!row || (visible && !matches(visible, row.metadata))) {
    throw new CronNotFoundError(cron_id);
  }
  return row;
}

const queryable = (manager: EntityManager): Queryable => ({
  query: async <R>(text: string, values?: unknown[]) => ({ rows: await manager.query<R[]>(text, values) }),
});

/** On whose behalf the runs of a cron are. */
const callerColumns = ({ user }: AuthContext): Pick<CronEntity, 'user_id' | 'caller'> => ({
  user_id: user?.identity ?? null,
  caller: user ?? null,
});

const dueAfter = (timing: CronTiming, now: Date): Date | null => (timing.enabled ? nextRunDate(timing, now) : null);
