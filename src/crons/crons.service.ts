import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository, SelectQueryBuilder } from 'typeorm';
import type { RunAssistant } from '../assistants/index.js';
import { ANONYMOUS, type AuthContext, type AuthFilter, filterQuery, matches } from '../auth/index.js';
import { isUuid, newId, systemAssistantId, toJsonb, ValidationFailedError } from '../common/index.js';
import { type Page } from '../http/index.js';
import { assignments, insertion, type Queryable, Sql, SqlParameters } from '../database/index.js';
import { RunPermissions } from '../runs/index.js';
import { type CronTiming, runsChanged, settingsAfter, timingChanged } from './cron-change.js';
import { CronEntity } from './cron.entity.js';
import { CronChangedError, CronNotFoundError } from './crons.errors.js';
import { type Cron, CRON_FIELDS, type CronSelect, isCronField, toCron } from './dto/cron.dto.js';
import type { CronCountRequest, CronCreate, CronSearchRequest, CronUpdate } from './dto/cron-requests.dto.js';
import { readInstant } from './instant.js';
import { assertEndInFuture, assertSchedule, nextRunDate } from './schedule.js';
import { runOf, type RunSource } from './scheduler/firing.js';

/**
 * An update is attempted so often when other requests change the cron between its authorization and its transaction.
 */
const MAX_ATTEMPTS = 5;

/**
 * Manages the rows of crons; `CronScheduler` fires them. `visible` restricts a method to the rows that the caller may
 * see.
 */
@Injectable()
export class CronsService {
  constructor(
    @InjectRepository(CronEntity) private readonly crons: Repository<CronEntity>,
    private readonly sql: Sql,
    private readonly permissions: RunPermissions,
  ) {}

  /** The runs act as the caller. Throws when the caller could not create such a run now. */
  async create(body: CronCreate, thread_id?: string, auth: AuthContext = ANONYMOUS): Promise<Cron> {
    const { schedule, timezone = null, end_time, enabled = true, on_run_completed, metadata = {}, ...payload } = body;
    assertSize(payload);
    const now = await clock(this.sql);
    const timing: CronTiming = { schedule, timezone, end_time: readInstant(end_time) ?? null, enabled };
    assertSchedule(timing, now);
    assertEndInFuture(timing, now);
    const cron_id = newId();
    const row = {
      ...timing,
      cron_id,
      thread_id: thread_id ?? null,
      on_run_completed: on_run_completed ?? (thread_id ? null : 'delete'),
      metadata,
      ...callerColumns(auth),
      next_run_date: nextDue(timing, now),
    };
    await this.writeWhenAllowed(auth, { ...row, payload }, async (db, { assistant_id }) => {
      const parameters = new SqlParameters();
      const columns = toColumns({ ...row, assistant_id, payload: { ...payload, assistant_id } });
      await db.query(`INSERT INTO crons ${insertion(columns, parameters)}`, parameters.values);
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
   * Omitted fields keep their values; metadata is merged. The caller must be allowed to create the runs that follow.
   * From then on they act as the caller, unless the update only changes their timing. Throws {@link CronNotFoundError}.
   */
  async update(cron_id: string, body: CronUpdate, auth: AuthContext = ANONYMOUS, visible?: AuthFilter): Promise<Cron> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (await this.tryUpdate(await this.find(cron_id, visible), body, auth, visible)) {
        return this.get(cron_id);
      }
    }
    throw new CronChangedError(cron_id);
  }

  /** Throws {@link CronNotFoundError}. */
  async delete(cron_id: string, visible?: AuthFilter): Promise<void> {
    await this.sql.transaction(async (db) => {
      await lock(db, cron_id, visible);
      await db.query('DELETE FROM crons WHERE cron_id = $1', [cron_id]);
    });
  }

  /** False when the cron changed between the authorization and the transaction. */
  private async tryUpdate(
    before: CronEntity,
    body: CronUpdate,
    auth: AuthContext,
    visible: AuthFilter | undefined,
  ): Promise<boolean> {
    const { cron_id, thread_id } = before;
    const after = settingsAfter(before, body);
    assertSize(after.payload);
    const changesRuns = runsChanged(before, after);
    const write = async (db: Queryable): Promise<boolean> => {
      const row = await lock(db, cron_id, visible);
      if (!isDeepStrictEqual(settingsAfter(row, body), after) || runsChanged(row, after) !== changesRuns) {
        return false;
      }
      const now = await clock(db);
      const changesTiming = timingChanged(row, after);
      assertSchedule(after, now);
      if (body.end_time || (changesTiming && after.enabled)) {
        assertEndInFuture(after, now);
      }
      const parameters = new SqlParameters();
      const columns = toColumns({
        ...after,
        ...(after.enabled && { disabled_reason: null }),
        ...(changesTiming && { next_run_date: nextDue(after, now) }),
        ...(changesRuns && callerColumns(auth)),
      });
      await db.query(
        `UPDATE crons SET ${assignments(columns, parameters)}, updated_at = clock_timestamp()
         WHERE cron_id = ${parameters.add(cron_id)}`,
        parameters.values,
      );
      return true;
    };
    return changesRuns || (after.enabled && timingChanged(before, after))
      ? this.writeWhenAllowed(auth, { ...after, thread_id }, write)
      : this.sql.transaction(write);
  }

  /**
   * Decides whether the caller may create the runs of a cron, and then writes in a transaction that confirms the
   * decision. Starts over when the assistant changed in between.
   */
  private writeWhenAllowed<T>(
    auth: AuthContext,
    cron: RunSource,
    write: (db: Queryable, assistant: RunAssistant) => Promise<T>,
  ): Promise<T> {
    const { thread_id } = cron;
    return this.permissions.retryOnStaleAssistant(async () => {
      const decided = await this.permissions.decide(auth, thread_id ?? undefined, runOf(cron));
      return this.sql.transaction(async (db) => {
        // Locks the thread before the cron, in the same order as a request that deletes the thread.
        await this.permissions.confirm(db, decided, thread_id);
        return write(db, decided.assistant);
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

/** A process that fires crons holds up to a hundred payloads in memory. */
const MAX_PAYLOAD_CHARS = 1_000_000;

function assertSize(payload: object): void {
  if (JSON.stringify(payload).length > MAX_PAYLOAD_CHARS) {
    const message = `the run settings of a cron may have at most ${MAX_PAYLOAD_CHARS} characters as JSON; let the graph load larger data`;
    throw new ValidationFailedError([{ path: '', message }]);
  }
}

/** Sort fields that may be null. Null sorts below every value, as in the indexes. */
const NULLABLE = new Set<string>(['thread_id', 'next_run_date', 'end_time']);
const NULLS = { ASC: 'NULLS FIRST', DESC: 'NULLS LAST' } as const;

/** The clock that due times are compared with: the database clock, which all processes share. */
async function clock(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0].now;
}

/** Locks the cron: until the transaction ends, no process fires it and no other request changes it. */
async function lock(db: Queryable, cron_id: string, visible: AuthFilter | undefined): Promise<CronEntity> {
  const { rows } = await db.query<CronEntity>('SELECT * FROM crons WHERE cron_id = $1 FOR UPDATE', [cron_id]);
  return assertFound(rows.at(0), cron_id, visible);
}

/** Throws {@link CronNotFoundError}, also for a cron that the caller may not see. */
function assertFound(row: CronEntity | null | undefined, cron_id: string, visible: AuthFilter | undefined): CronEntity {
  if (!row || (visible && !matches(visible, row.metadata))) {
    throw new CronNotFoundError(cron_id);
  }
  return row;
}

/** The columns of a row, with JSON as a string. `payload` is of type `json`, which keeps it unchanged. */
const toColumns = ({ payload, metadata, caller, ...others }: Partial<CronEntity>): Record<string, unknown> => ({
  ...others,
  ...(payload && { payload: JSON.stringify(payload) }),
  ...(metadata && { metadata: toJsonb(metadata) }),
  ...(caller !== undefined && { caller: caller && toJsonb(caller) }),
});

/** The columns of the user that the runs of a cron act as. */
const callerColumns = ({ user }: AuthContext): Pick<CronEntity, 'user_id' | 'caller'> => ({
  user_id: user?.identity ?? null,
  caller: user ?? null,
});

const nextDue = (timing: CronTiming, now: Date): Date | null => (timing.enabled ? nextRunDate(timing, now) : null);
