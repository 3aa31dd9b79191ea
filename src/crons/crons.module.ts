import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RunsModule } from '../runs/index.js';
import { ThreadsModule } from '../threads/index.js';
import { CronEntity } from './cron.entity.js';
import { CronsService } from './crons.service.js';

/** Owns crons: their rows, and the runs that are created when they are due. */
@Module({
  imports: [TypeOrmModule.forFeature([CronEntity]), RunsModule, ThreadsModule],
  providers: [CronsService],
  exports: [CronsService],
})
export class CronsModule {}
