import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ObservabilityModule } from '../observability/index.js';
import { RunsModule } from '../runs/index.js';
import { ThreadsModule } from '../threads/index.js';
import { CronEntity } from './cron.entity.js';
import { CronsService } from './crons.service.js';
import { CronScheduler } from './scheduler/cron-scheduler.js';
import { DueCrons } from './scheduler/due-crons.js';

/**
 * Owns crons: their rows, and the scheduler that creates their runs. Every process that loads this module fires crons.
 */
@Module({
  imports: [
    TypeOrmModule.forFeature([CronEntity]),
    ScheduleModule.forRoot(),
    ObservabilityModule,
    RunsModule,
    ThreadsModule,
  ],
  providers: [CronsService, CronScheduler, DueCrons],
  exports: [CronsService],
})
export class CronsModule {}
