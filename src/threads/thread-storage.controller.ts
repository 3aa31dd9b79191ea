import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, BodyExample } from '../common/index.js';
import { Thread } from './dto/thread.dto.js';
import { EXAMPLE_THREAD_ID, ThreadParams } from './dto/thread-requests.dto.js';
import { ChannelAmount, ThreadPruneRequest, ThreadPruneResult, ThreadStorage } from './dto/thread-storage.dto.js';
import { ThreadCopyService } from './thread-copy.service.js';
import { ThreadRetentionService } from './thread-retention.service.js';

@ApiTags('Threads')
@Controller('threads')
export class ThreadStorageController {
  constructor(
    private readonly copies: ThreadCopyService,
    private readonly retention: ThreadRetentionService,
  ) {}

  @Post('prune')
  @HttpCode(200)
  @ApiOperation({ summary: 'Prune threads', description: 'Removes them, or all but their newest states.' })
  @BodyExample(ThreadPruneRequest, { thread_ids: [EXAMPLE_THREAD_ID], strategy: 'keep_latest' })
  @ApiOkResponse({ type: ThreadPruneResult })
  @ApiErrors(404)
  prune(@Body() body: ThreadPruneRequest): Promise<ThreadPruneResult> {
    return this.retention.prune(body);
  }

  @Post(':thread_id/copy')
  @HttpCode(200)
  @ApiOperation({ summary: 'Copy a thread', description: 'With its state and its history, without its runs.' })
  @ApiOkResponse({ type: Thread })
  @ApiErrors(404)
  copy(@Param() { thread_id }: ThreadParams): Promise<Thread> {
    return this.copies.copy(thread_id);
  }

  @Get(':thread_id/storage')
  @ApiOperation({ summary: 'Get what a thread takes up', description: 'Numbers and bytes of its checkpoints.' })
  @ApiExtraModels(ChannelAmount)
  @ApiOkResponse({ type: ThreadStorage })
  @ApiErrors(404)
  storage(@Param() { thread_id }: ThreadParams): Promise<ThreadStorage> {
    return this.retention.storageOf(thread_id);
  }
}
