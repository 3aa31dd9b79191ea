import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type pg from 'pg';
import type { Repository } from 'typeorm';
import { UnsupportedParameterError } from '../common/index.js';
import { columns, Notifications, POOL, transaction } from '../database/index.js';
import { DELETE_RUN } from '../execution/index.js';
import { ThreadsService } from '../threads/index.js';
import { type Run, RUN_FIELDS, type RunField, toRun } from './dto/run.dto.js';
import type { RunCancelQuery, RunListQuery } from './dto/run-requests.dto.js';
import { RunQueue } from './queue/run-queue.js';
import { isActive, RunEntity } from './run.entity.js';
import { RunActiveError, RunNotFoundError } from './runs.errors.js';
import { RunResults } from './worker/run-results.js';

/** Runs as rows: listed, read, cancelled, deleted. They are made by `RunCreationService`. */
@Injectable()
export class RunsService {
  constructor(
    @InjectRepository(RunEntity) private readonly runs: Repository<RunEntity>,
    @Inject(POOL) private readonly pool: pg.Pool,
    private readonly threads: ThreadsService,
    private readonly queue: RunQueue,
    private readonly results: RunResults,
    private readonly notifications: Notifications,
  ) {}

  async list(thread_id: string, { limit, offset, status, select = [...RUN_FIELDS] }: RunListQuery): Promise<Run[]> {
    await this.threads.assertExists(thread_id);
    const rows = await this.runs.find({
      where: { thread_id, ...(status && { status }) },
      select: columns<RunField>(['run_id', ...select]),
      order: { created_at: 'DESC', run_id: 'DESC' },
      take: limit,
      skip: offset,
    });
    return rows.map((row) => toRun(row, select));
  }

  /** A stateless run that has ended is gone with its thread, but for clients that come back for its answer. */
  async get(thread_id: string, run_id: string): Promise<Run> {
    const row = await this.find(run_id, thread_id);
    if (row.kwargs.temporary && !isActive(row.status)) {
      throw new RunNotFoundError(run_id);
    }
    return toRun(row);
  }

  /** Stateless runs are found without a thread. Throws {@link RunNotFoundError}. */
  async find(run_id: string, thread_id?: string): Promise<RunEntity> {
    const row = await this.runs.findOneBy({ run_id, ...(thread_id && { thread_id }) });
    if (!row) {
      throw new RunNotFoundError(run_id);
    }
    return row;
  }

  /** Deletes a finished run and the checkpoints it wrote. */
  async delete(thread_id: string, run_id: string): Promise<void> {
    const { status } = await this.find(run_id, thread_id);
    if (isActive(status)) {
      throw new RunActiveError(run_id);
    }
    await transaction(this.pool, async (client) => {
      await client.query('DELETE FROM runs WHERE run_id = $1', [run_id]);
      await client.query(DELETE_RUN, [thread_id, run_id]);
    });
  }

  /** Stops a run, wherever it is. A run that has ended stays as it is. */
  async cancel(thread_id: string, run_id: string, { wait, action }: RunCancelQuery): Promise<void> {
    if (action === 'rollback') {
      throw new UnsupportedParameterError('action', 'rollback is not supported by this version; use interrupt');
    }
    const { ended, cancel } = this.results.wait(run_id);
    try {
      const { status } = await this.find(run_id, thread_id);
      if (!isActive(status)) {
        return;
      }
      await this.interrupt(thread_id, run_id);
      if (wait) {
        await ended;
      }
    } finally {
      cancel();
    }
  }

  /** Interrupts a run in the queue, or tells the process that executes it to stop. */
  async interrupt(thread_id: string, run_id: string): Promise<void> {
    const wasPending = await transaction(this.pool, async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      return this.queue.interruptPending(client, run_id);
    });
    if (wasPending) {
      this.results.publish(run_id, '{}');
    } else {
      this.notifications.publish({ topic: 'run_cancelled', id: run_id });
    }
  }
}
