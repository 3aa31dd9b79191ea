import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, QueryFailedError, type Repository, type SelectQueryBuilder } from 'typeorm';
import { type AuthContext, type AuthFilter, filterQuery, NOBODY } from '../auth/index.js';
import { isUuid, newId, type Page, systemAssistantId, toJsonb, ValidationFailedError } from '../common/index.js';
import { RunCreationService } from '../runs/index.js';
import { ThreadNotFoundError, ThreadsService } from '../threads/index.js';
import { CronEntity, type CronPayload } from './cron.entity.js';
import { CronNotFoundError } from './crons.errors.js';
import { type Cron, CRON_FIELDS, type CronSelect, isCronField, toCron } from './dto/cron.dto.js';
import type { CronCountRequest, CronCreate, CronSearchRequest, CronUpdate } from './dto/cron-requests.dto.js';
import { readInstant } from './instant.js';
import { assertSchedule, nextRunDate } from './schedule.js';

/** What decides when a cron is due. */
type Timing = Pick<CronEntity, 'schedule' | 'timezone' | 'end_time' | 'enabled'>;

/** Crons as rows; they are fired by `CronScheduler`. */
@Injectable()
export class CronsService {
  constructor(
    @InjectRepository(CronEntity) private readonly crons: Repository<CronEntity>,
    private readonly threads: ThreadsService,
    private readonly creation: RunCreationService,
  ) {}

  /** What its runs could not be created with is refused now. They are on behalf of whoever asks. */
  async create(body: CronCreate, thread_id?: string, auth: AuthContext = NOBODY): Promise<Cron> {
    const { schedule, timezone = null, end_time, enabled = true, on_run_completed, metadata = {}, ...request } = body;
    if (thread_id) {
      await this.threads.assertExists(thread_id);
    }
    const { assistant_id } = await this.creation.check(request, undefined, auth);
    const payload = { ...request, assistant_id };
    assertSize(payload);
    const now = await clock(this.crons.manager);
    assertSchedule({ schedule, timezone }, now);
    const timing: Timing = { schedule, timezone, end_time: readInstant(end_time) ?? null, enabled };
    const cron_id = newId();
    await this.insert({
      ...timing,
      cron_id,
      assistant_id,
      thread_id: thread_id ?? null,
      on_run_completed: on_run_completed ?? (thread_id ? null : 'delete'),
      payload,
      metadata,
      user_id: auth.user?.identity ?? null,
      caller: auth.user ?? null,
      next_run_date: dueAfter(timing, now),
    });
    return this.get(cron_id);
  }

  /** Throws {@link CronNotFoundError}. */
  async get(cron_id: string): Promise<Cron> {
    return toCron(await this.find(cron_id));
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

  /** Fields that are left out stay; metadata is merged. Throws {@link CronNotFoundError}. */
  async update(cron_id: string, body: CronUpdate, auth: AuthContext = NOBODY): Promise<Cron> {
    const { schedule, timezone, end_time, enabled, on_run_completed, metadata = {}, ...request } = body;
    const { assistant_id, enabled: isEnabled } = await this.find(cron_id);
    if ((enabled ?? isEnabled) || Object.keys(request).length > 0) {
      await this.creation.check({ assistant_id, ...request }, undefined, auth);
    }
    await this.crons.manager.transaction(async (manager) => {
      const row = await lock(manager, cron_id);
      const now = await clock(manager);
      const timing: Timing = {
        schedule: schedule ?? row.schedule,
        timezone: timezone ?? row.timezone,
        end_time: end_time === undefined ? row.end_time : (readInstant(end_time) ?? null),
        enabled: enabled ?? row.enabled,
      };
      const payload = { ...row.payload, ...request };
      assertSchedule(timing, now);
      assertSize(payload);
      await manager.update(CronEntity, { cron_id }, {
        ...timing,
        ...(on_run_completed && { on_run_completed }),
        ...(timing.enabled && { disabled_reason: null }),
        ...(isOther(timing, row) && { next_run_date: dueAfter(timing, now) }),
        payload,
        metadata: { ...row.metadata, ...metadata },
        updated_at: () => 'clock_timestamp()',
      } as never);
    });
    return this.get(cron_id);
  }

  /** Throws {@link CronNotFoundError}. */
  async delete(cron_id: string): Promise<void> {
    const { affected } = await this.crons.delete({ cron_id });
    if (affected === 0) {
      throw new CronNotFoundError(cron_id);
    }
  }

  private async find(cron_id: string): Promise<CronEntity> {
    const row = await this.crons.findOneBy({ cron_id });
    if (!row) {
      throw new CronNotFoundError(cron_id);
    }
    return row;
  }

  private async insert(row: Partial<CronEntity>): Promise<void> {
    try {
      await this.crons.insert(row as never);
    } catch (error) {
      // Deleted meanwhile: nothing else has a foreign key.
      if (row.thread_id && isForeignKeyViolation(error)) {
        throw new ThreadNotFoundError(row.thread_id);
      }
      throw error;
    }
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

function assertSize(payload: CronPayload): void {
  if (JSON.stringify(payload).length > MOST_CHARS) {
    const message = `what a cron asks for may be ${MOST_CHARS} characters of JSON; let the graph load what is larger`;
    throw new ValidationFailedError([{ path: '', message }]);
  }
}

/** Sort fields that may be null; it comes after everything, as the indexes have it. */
const NULLABLE = new Set<string>(['thread_id', 'next_run_date', 'end_time']);
const NULLS = { ASC: 'NULLS FIRST', DESC: 'NULLS LAST' } as const;

const isForeignKeyViolation = (error: unknown): boolean =>
  error instanceof QueryFailedError && (error.driverError as { code?: unknown }).code === '23503';

/** The clock by which crons are due: that of the database, which all processes share. */
async function clock(manager: EntityManager): Promise<Date> {
  const [{ now }] = await manager.query<{ now: Date }[]>('SELECT clock_timestamp() AS now');
  return now;
}

/** Whoever fires it, or changes it, waits. */
async function lock(manager: EntityManager, cron_id: string): Promise<CronEntity> {
  const row = await manager.findOne(CronEntity, { where: { cron_id }, lock: { mode: 'pessimistic_write' } });
  if (!row) {
    throw new CronNotFoundError(cron_id);
  }
  return row;
}

const timingOf = ({ schedule, timezone, end_time, enabled }: CronEntity): Timing => ({
  schedule,
  timezone,
  end_time,
  enabled,
});

/** A change that changes nothing must not let a time pass by that is just due. */
const isOther = (timing: Timing, row: CronEntity): boolean => JSON.stringify(timing) !== JSON.stringify(timingOf(row));

const dueAfter = (timing: Timing, now: Date): Date | null => (timing.enabled ? nextRunDate(timing, now) : null);
