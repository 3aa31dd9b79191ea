import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { ApiErrors, BodyExample, sendWire } from '../http/index.js';
import { ThreadState } from '../execution/index.js';
import {
  ThreadCheckpointParams,
  ThreadHistoryQuery,
  ThreadHistoryRequest,
  ThreadParams,
  ThreadStateCheckpointRequest,
  ThreadStatePatch,
  ThreadStateQuery,
  ThreadStateUpdate,
  ThreadUpdateStateResponse,
} from './dto/thread-requests.dto.js';
import { ThreadAccess, type ThreadPermission } from './thread-access.js';
import { ThreadStateService } from './thread-state.service.js';
import { ThreadsService } from './threads.service.js';

@ApiTags('Threads')
@Controller('threads/:thread_id')
export class ThreadStateController {
  constructor(
    private readonly access: ThreadAccess,
    private readonly state: ThreadStateService,
    private readonly threads: ThreadsService,
  ) {}

  @Get('state')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'Get the state', description: 'Returns the newest state of the thread.' })
  @ApiOkResponse({ type: ThreadState })
  @ApiErrors(404)
  async getState(
    @Param() { thread_id }: ThreadParams,
    @Query() options: ThreadStateQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(reply, await this.state.getState(thread_id, {}, options));
  }

  @Get('state/:checkpoint_id')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'Get the state at a checkpoint', description: 'Takes a checkpoint id from the history.' })
  @ApiOkResponse({ type: ThreadState })
  @ApiErrors(404)
  async getStateAt(
    @Param() { thread_id, checkpoint_id }: ThreadCheckpointParams,
    @Query() options: ThreadStateQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(reply, await this.state.getState(thread_id, { checkpoint_id }, options));
  }

  @Post('state/checkpoint')
  @Requires('threads:read', ThreadAccess)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Get the state at a checkpoint, by reference',
    description: 'Can also read a subgraph: pass the `checkpoint` of its task.',
  })
  @BodyExample(ThreadStateCheckpointRequest, { checkpoint: { checkpoint_ns: '' } })
  @ApiOkResponse({ type: ThreadState })
  @ApiErrors(404)
  async getStateAtCheckpoint(
    @Param() { thread_id }: ThreadParams,
    @Body() { checkpoint = {}, subgraphs, select }: ThreadStateCheckpointRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(
      reply,
      await this.state.getState(thread_id, checkpoint, { subgraphs: String(subgraphs) === 'true', select }),
    );
  }

  @Post('state')
  @Requires('threads:update')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Update the state',
    description: 'Writes a new checkpoint. Rejected with 409 while the thread has an active run.',
  })
  @BodyExample(ThreadStateUpdate, {
    values: { messages: [{ role: 'user', content: 'Forget what I said.' }] },
    as_node: '__start__',
  })
  @ApiOkResponse({ type: ThreadUpdateStateResponse })
  @ApiErrors(400, 404, 409)
  async updateState(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id }: ThreadParams,
    @Body() body: ThreadStateUpdate,
  ): Promise<ThreadUpdateStateResponse> {
    return this.state.updateState(thread_id, await this.access.check(permission, thread_id, body));
  }

  @Patch('state')
  @Requires('threads:update')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Patch the metadata of a thread',
    description: 'Merges metadata like "Update a thread", without a response body.',
  })
  @BodyExample(ThreadStatePatch, { metadata: { topic: 'parrots' } })
  @ApiNoContentResponse({ description: 'Merged.' })
  @ApiErrors(404)
  async patchState(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id }: ThreadParams,
    @Body() body: ThreadStatePatch,
  ): Promise<void> {
    await this.threads.patch(thread_id, await this.access.check(permission, thread_id, body));
  }

  @Post('history')
  @Requires('threads:read', ThreadAccess)
  @HttpCode(200)
  @ApiOperation({ summary: 'Get the history', description: 'Returns past states, newest first.' })
  @BodyExample(ThreadHistoryRequest, { limit: 3 })
  @ApiOkResponse({ type: [ThreadState] })
  @ApiErrors(404)
  async getHistory(
    @Param() { thread_id }: ThreadParams,
    @Body() body: ThreadHistoryRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(reply, await this.state.getHistory(thread_id, body));
  }

  @Get('history')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'Get the history (GET)', description: 'Returns past states, newest first.' })
  @ApiOkResponse({ type: [ThreadState] })
  @ApiErrors(404)
  async listHistory(
    @Param() { thread_id }: ThreadParams,
    @Query() query: ThreadHistoryQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(reply, await this.state.getHistory(thread_id, query));
  }
}
