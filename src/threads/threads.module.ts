import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ExecutionModule } from '../execution/index.js';
import { ThreadEntity } from './thread.entity.js';
import { ThreadStateService } from './thread-state.service.js';
import { ThreadsService } from './threads.service.js';

/** Owns threads: their rows, and through the execution module their state and history. */
@Module({
  imports: [TypeOrmModule.forFeature([ThreadEntity]), ExecutionModule],
  providers: [ThreadsService, ThreadStateService],
  exports: [ThreadsService, ThreadStateService],
})
export class ThreadsModule {}
