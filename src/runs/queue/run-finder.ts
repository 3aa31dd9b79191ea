import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { RunEntity } from '../run.entity.js';
import { RunNotFoundError } from '../runs.errors.js';

/** Finds the row of one run. */
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
}
