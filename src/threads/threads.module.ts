import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ExecutionModule } from '../execution/index.js';
import { StreamsModule } from '../streams/index.js';
import { ThreadEntity } from './thread.entity.js';
import { ThreadAccess } from './thread-access.js';
import { ThreadCopyService } from './thread-copy.service.js';
import { ThreadCounts } from './thread-counts.js';
import { ThreadRetentionService } from './thread-retention.service.js';
import { ThreadSearchService } from './thread-search.service.js';
import { ThreadStateService } from './thread-state.service.js';
import { ThreadStreamService } from './thread-stream.service.js';
import { ThreadTtlService } from './thread-ttl.service.js';
import { ThreadsService } from './threads.service.js';

/** Owns threads: their rows, and their state and history through the execution module. */
@Module({
  imports: [TypeOrmModule.forFeature([ThreadEntity]), StreamsModule, ExecutionModule],
  providers: [
    ThreadsService,
    ThreadStateService,
    ThreadStreamService,
    ThreadSearchService,
    ThreadAccess,
    ThreadCounts,
    ThreadCopyService,
    ThreadRetentionService,
    ThreadTtlService,
  ],
  exports: [
    ThreadAccess,
    ThreadsService,
    ThreadSearchService,
    ThreadStateService,
    ThreadCopyService,
    ThreadRetentionService,
  ],
})
export class ThreadsModule {}
