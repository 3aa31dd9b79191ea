import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Permission, Requires } from '../auth/index.js';
import { newId } from '../common/index.js';
import { ApiErrors, BodyExample } from '../http/index.js';
import { Thread } from './dto/thread.dto.js';
import { EXAMPLE_THREAD_ID, ThreadParams } from './dto/thread-requests.dto.js';
import { ChannelAmount, ThreadPruneRequest, ThreadPruneResult, ThreadStorage } from './dto/thread-storage.dto.js';
import { ThreadAccess, type ThreadPermission } from './thread-access.js';
import { ThreadCopyService } from './thread-copy.service.js';
import { ThreadRetentionService } from './thread-retention.service.js';

@ApiTags('Threads')
@Controller('threads')
export class ThreadStorageController {
  constructor(
    private readonly access: ThreadAccess,
    private readonly copies: ThreadCopyService,
    private readonly retention: ThreadRetentionService,
  ) {}

  @Post('prune')
  @Requires(['threads:delete', 'threads:update'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Prune threads', description: 'Deletes threads, or all but their newest checkpoints.' })
  @BodyExample(ThreadPruneRequest, { thread_ids: [EXAMPLE_THREAD_ID], strategy: 'keep_latest' })
  @ApiOkResponse({ type: ThreadPruneResult })
  @ApiErrors(404)
  async prune(
    @Permission() permission: ThreadPermission,
    @Body() body: ThreadPruneRequest,
  ): Promise<ThreadPruneResult> {
    const event = body.strategy === 'keep_latest' ? 'threads:update' : 'threads:delete';
    await this.access.checkAll({ ...permission, event }, body.thread_ids, body);
    return this.retention.prune(body);
  }

  @Post(':thread_id/copy')
  @Requires(['threads:read', 'threads:create'], ThreadAccess)
  @HttpCode(200)
  @ApiOperation({ summary: 'Copy a thread', description: 'Copies the state and the history, but not the runs.' })
  @ApiOkResponse({ type: Thread })
  @ApiErrors(404)
  async copy(@Permission() permission: ThreadPermission, @Param() { thread_id }: ThreadParams): Promise<Thread> {
    const copy = { thread_id: newId(), metadata: {} };
    const { value } = await this.access.authorize({ ...permission, event: 'threads:create' }, copy);
    return this.copies.copy(thread_id, copy.thread_id, value.metadata);
  }

  @Get(':thread_id/storage')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'Get the storage of a thread', description: 'Returns counts and bytes of its checkpoints.' })
  @ApiExtraModels(ChannelAmount)
  @ApiOkResponse({ type: ThreadStorage })
  @ApiErrors(404)
  async storage(@Param() { thread_id }: ThreadParams): Promise<ThreadStorage> {
    return this.retention.storageOf(thread_id);
  }
}
