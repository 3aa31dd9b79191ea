import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { columns } from '../../database/index.js';
import type { RunField } from '../dto/run.dto.js';
import type { RunListQuery } from '../dto/run-requests.dto.js';
import { RunEntity } from '../run.entity.js';
import { RunNotFoundError } from '../runs.errors.js';

/** Reads rows of runs. */
@Injectable()
export class RunFinder {
  constructor(@InjectRepository(RunEntity) private readonly runs: Repository<RunEntity>) {}

  /** Finds a run; `thread_id` is omitted for a stateless run. Throws {@link RunNotFoundError}. */
  async find(run_id: string, thread_id?: string): Promise<RunEntity> {
    const row = await this.runs.findOneBy({ run_id, ...(thread_id && { thread_id }) });
    if (!row) {
      throw new RunNotFoundError(run_id);
    }
    return row;
  }

  /** The runs of a thread, newest first. */
  list(
    thread_id: string,
    { limit, offset, status, select }: RunListQuery & { select: readonly RunField[] },
  ): Promise<RunEntity[]> {
    return this.runs.find({
      where: { thread_id, ...(status && { status }) },
      select: columns<RunField>(['run_id', ...select]),
      order: { created_at: 'DESC', run_id: 'DESC' },
      take: limit,
      skip: offset,
    });
  }
}
