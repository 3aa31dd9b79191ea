import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { newId } from '../common/index.js';
import { ApiErrors, ApiEventStream, BodyExample, returnPreferred, sendPage, sendWire, sse } from '../http/index.js';
import { LimitConcurrentStreams } from '../limits/index.js';
import { Thread } from './dto/thread.dto.js';
import {
  EXAMPLE_THREAD_ID,
  ThreadCountRequest,
  ThreadCreate,
  ThreadParams,
  ThreadPatch,
  ThreadQuery,
  ThreadSearchRequest,
  ThreadStreamQuery,
} from './dto/thread-requests.dto.js';
import { ThreadAccess, type ThreadPermission } from './thread-access.js';
import { ThreadSearchService } from './thread-search.service.js';
import { ThreadStateService } from './thread-state.service.js';
import { ThreadsService } from './threads.service.js';

@ApiTags('Threads')
@Controller('threads')
export class ThreadsController {
  constructor(
    private readonly access: ThreadAccess,
    private readonly threads: ThreadsService,
    private readonly state: ThreadStateService,
    private readonly searches: ThreadSearchService,
  ) {}

  @Post()
  @Requires('threads:create')
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a thread', description: 'A thread holds the state that its runs share.' })
  @BodyExample(ThreadCreate, { thread_id: EXAMPLE_THREAD_ID, if_exists: 'do_nothing', metadata: { graph_id: 'chat' } })
  @ApiOkResponse({ type: Thread })
  @ApiErrors(400, 409)
  async create(@Permission() permission: ThreadPermission, @Body() body: ThreadCreate): Promise<Thread> {
    const named = { ...body, thread_id: body.thread_id ?? newId() };
    const { value, filter } = await this.access.authorize(permission, named);
    return value.supersteps?.length ? this.state.createWithHistory(value, filter) : this.threads.create(value, filter);
  }

  @Post('search')
  @Requires('threads:search')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Search threads',
    description:
      'Returns one page. `X-Pagination-Total` is the number of matches, `X-Pagination-Next` the next offset.',
  })
  @BodyExample(ThreadSearchRequest, { metadata: { graph_id: 'chat' }, limit: 5 })
  @ApiOkResponse({ type: [Thread] })
  @ApiErrors()
  async search(
    @Permission() permission: ThreadPermission,
    @Body() body: ThreadSearchRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { value, filter } = await this.access.authorize(permission, body);
    await sendWire(reply, sendPage(reply, await this.searches.search(value, filter), value));
  }

  @Post('count')
  @Requires('threads:search')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count threads', description: 'Returns the number of threads that match.' })
  @BodyExample(ThreadCountRequest, { status: 'idle' })
  @ApiOkResponse({ type: Number })
  @ApiErrors()
  async count(@Permission() permission: ThreadPermission, @Body() body: ThreadCountRequest): Promise<number> {
    const { value, filter } = await this.access.authorize(permission, body);
    return this.searches.count(value, filter);
  }

  @Get(':thread_id')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({
    summary: 'Get a thread',
    description: 'Returns the thread with its latest values and pending interrupts.',
  })
  @ApiOkResponse({ type: Thread })
  @ApiErrors(404)
  async get(
    @Param() { thread_id }: ThreadParams,
    @Query() { include }: ThreadQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sendWire(reply, await this.threads.get(thread_id, include));
  }

  @Patch(':thread_id')
  @Requires('threads:update')
  @ApiOperation({ summary: 'Update a thread', description: 'Merges metadata; other keys are kept.' })
  @ApiHeader({ name: 'Prefer', required: false, description: '`return=minimal` returns 204 without a body.' })
  @BodyExample(ThreadPatch, { metadata: { topic: 'parrots' } })
  @ApiOkResponse({ type: Thread })
  @ApiNoContentResponse({ description: 'Updated, when `Prefer: return=minimal` was sent.' })
  @ApiErrors(404)
  async update(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id }: ThreadParams,
    @Body() body: ThreadPatch,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Thread | undefined> {
    const value = await this.access.check(permission, thread_id, body);
    return returnPreferred(reply, prefer, await this.threads.update(thread_id, value));
  }

  @Get(':thread_id/stream')
  @Requires('threads:read', ThreadAccess)
  @LimitConcurrentStreams()
  @ApiOperation({
    summary: 'Join the stream of a thread',
    description:
      'Streams the events of all runs of the thread from now on, until the client disconnects. A run starts with ' +
      '`metadata` and ends with `run_done`. `Last-Event-ID` continues after an event; `-` starts with all stored events.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'Continue after this event; `-` starts at the first.',
  })
  @ApiEventStream()
  @ApiErrors(404)
  async joinStream(
    @Param() { thread_id }: ThreadParams,
    @Query() query: ThreadStreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await sse(reply, await this.threads.joinStream(thread_id, query, lastEventId));
  }

  @Delete(':thread_id')
  @Requires('threads:delete', ThreadAccess)
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a thread',
    description: 'Deletes its runs and checkpoints too, and cancels active runs.',
  })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404)
  async delete(@Param() { thread_id }: ThreadParams): Promise<void> {
    await this.threads.delete(thread_id);
  }
}
