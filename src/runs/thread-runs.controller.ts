import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { ValidationFailedError } from '../common/index.js';
import { ApiErrors, ApiEventStream, BodyExample, runHeaders, sse, waitForJson } from '../http/index.js';
import { LimitConcurrentStreams } from '../limits/index.js';
import { ThreadAccess, ThreadParams, type ThreadPermission } from '../threads/index.js';
import { Run } from './dto/run.dto.js';
import {
  RunCancelQuery,
  RunCreateStateful,
  RunJoinQuery,
  RunJoinStreamQuery,
  RunStreamQuery,
  RunListQuery,
  RunParams,
} from './dto/run-requests.dto.js';
import type { Stopping } from './queue/run-stops.js';
import { RunAccess } from './access/run-access.js';
import { RunCreationService } from './creation/run-creation.service.js';
import { isReconnect, RunOutputService } from './run-output.service.js';
import { RunsService } from './runs.service.js';

const HELLO = {
  assistant_id: 'chat',
  if_not_exists: 'create',
  input: { messages: [{ role: 'user', content: 'Hello!' }] },
};

@ApiTags('Runs on threads')
@Controller('threads/:thread_id/runs')
export class ThreadRunsController {
  constructor(
    private readonly access: ThreadAccess,
    private readonly runAccess: RunAccess,
    private readonly creation: RunCreationService,
    private readonly runs: RunsService,
    private readonly output: RunOutputService,
  ) {}

  @Post()
  @Requires(['threads:create_run', 'assistants:read'])
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a background run',
    description: 'Returns without waiting; join the run to wait for it.',
  })
  @BodyExample(RunCreateStateful, HELLO)
  @ApiOkResponse({ type: Run })
  @ApiErrors(404, 409)
  async create(
    @Param() { thread_id }: ThreadParams,
    @Body() body: RunCreateStateful,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Run> {
    const run = await this.creation.create(thread_id, body, { request });
    reply.headers(runHeaders(run));
    return run;
  }

  @Post('stream')
  @Requires(['threads:create_run', 'assistants:read'])
  @LimitConcurrentStreams()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a run and stream its output',
    description:
      'Server-sent events: `metadata` first, then the events of the requested modes, then `error` if the run fails.',
  })
  @BodyExample(RunCreateStateful, { ...HELLO, stream_mode: ['messages-tuple', 'values'] })
  @ApiEventStream()
  @ApiErrors(404, 409)
  async stream(
    @Param() { thread_id }: ThreadParams,
    @Body() body: RunCreateStateful,
    @Query() { namespace: namespaces }: RunStreamQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const run = await this.creation.create(thread_id, body, { request, delivery: 'stream' });
    const options = { stateless: false, cancelOnDisconnect: body.on_disconnect === 'cancel' };
    await sse(reply, this.output.stream(run, options, { namespaces }));
  }

  @Post('wait')
  @Requires(['threads:create_run', 'assistants:read'])
  @LimitConcurrentStreams()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a run and wait for its result',
    description:
      'Returns the final state, with pending interrupts under `__interrupt__` and an error under `__error__`.',
  })
  @BodyExample(RunCreateStateful, HELLO)
  @ApiOkResponse({ description: 'The final state.', schema: { type: 'object', additionalProperties: true } })
  @ApiErrors(404, 409)
  async wait(
    @Param() { thread_id }: ThreadParams,
    @Body() body: RunCreateStateful,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const run = await this.creation.create(thread_id, body, { request, delivery: 'wait' });
    await waitForJson(
      reply,
      this.output.wait(run, { stateless: false, cancelOnDisconnect: body.on_disconnect === 'cancel' }),
    );
  }

  @Get()
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'List runs', description: 'Returns the runs of a thread, newest first.' })
  @ApiOkResponse({ type: [Run] })
  @ApiErrors(404)
  async list(@Param() { thread_id }: ThreadParams, @Query() query: RunListQuery): Promise<Run[]> {
    return this.runs.list(thread_id, query);
  }

  @Get(':run_id')
  @Requires('threads:read', ThreadAccess)
  @ApiOperation({ summary: 'Get a run', description: 'Returns the run with its status and its parameters.' })
  @ApiOkResponse({ type: Run })
  @ApiErrors(404)
  async get(@Param() { thread_id, run_id }: RunParams): Promise<Run> {
    return this.runs.get(thread_id, run_id);
  }

  @Delete(':run_id')
  @Requires('threads:delete', ThreadAccess)
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a run',
    description: 'Deletes the run and its checkpoints. A pending or running run cannot be deleted.',
  })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404, 409)
  async delete(@Param() { thread_id, run_id }: RunParams): Promise<void> {
    await this.runs.delete(thread_id, run_id);
  }

  @Post(':run_id/cancel')
  @Requires('threads:update')
  @ApiOperation({
    summary: 'Cancel a run',
    description: 'Stops the run, in whichever process it is running. A run that has ended does not change.',
  })
  @ApiResponse({ status: 202, description: 'The run will stop.' })
  @ApiNoContentResponse({ description: 'The run has stopped (with `wait`).' })
  @ApiErrors(404)
  async cancel(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id, run_id }: RunParams,
    @Query() query: RunCancelQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.access.check(permission, thread_id, { run_id, action: query.action });
    await this.runs.cancel(thread_id, run_id, stoppingOf(query), query.wait);
    reply.status(query.wait ? 204 : 202);
    if (query.wait && query.action === 'interrupt') {
      reply.headers(runHeaders({ thread_id, run_id }, 'join'));
    }
  }

  @Get(':run_id/join')
  @Requires(['threads:read', 'threads:update'])
  @LimitConcurrentStreams()
  @ApiOperation({
    summary: 'Wait for a run',
    description: 'Returns the same result as `wait`; at once if the run has ended.',
  })
  @ApiOkResponse({ description: 'The final state.', schema: { type: 'object', additionalProperties: true } })
  @ApiErrors(404)
  async join(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id, run_id }: RunParams,
    @Query() { cancel_on_disconnect }: RunJoinQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.runAccess.checkJoin(permission, { run_id, thread_id }, cancel_on_disconnect);
    await waitForJson(reply, await this.output.join(run_id, thread_id, cancel_on_disconnect));
  }

  @Get(':run_id/stream')
  @Requires(['threads:read', 'threads:update'])
  @LimitConcurrentStreams()
  @ApiOperation({
    summary: 'Join the stream of a run',
    description:
      'The first reader gets all events, later readers get new events only. `Last-Event-ID` resumes after an event; `-1` ' +
      'replays all events. Without query parameters this is the `Location` of a stream: a client that reconnects there ' +
      'without an id has received no event and gets all of them.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Resume after this event; `-1` replays all.' })
  @ApiEventStream()
  @ApiErrors(404)
  async joinStream(
    @Permission() permission: ThreadPermission,
    @Param() { thread_id, run_id }: RunParams,
    @Query() { cancel_on_disconnect, stream_mode: modes, namespace: namespaces }: RunJoinStreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.runAccess.checkJoin(permission, { run_id, thread_id }, cancel_on_disconnect);
    const isReconnecting = isReconnect(request);
    const filter = { modes, namespaces };
    const options = { lastEventId, isReconnecting, filter, cancelOnDisconnect: cancel_on_disconnect };
    await sse(reply, await this.output.joinStream(run_id, thread_id, options));
  }
}

/**
 * The `cancel_reason` for each value of the query parameter `reason`. SDKs send `taken` and expect a string that starts
 * with it.
 */
const REASONS = { taken: 'taken: another run has taken over the input' };

/** A rollback deletes the run, so it cannot keep a reason. */
function stoppingOf({ action, reason }: RunCancelQuery): Stopping {
  if (reason && action === 'rollback') {
    throw new ValidationFailedError([
      { path: 'reason', message: 'cannot be combined with action=rollback, which deletes the run' },
    ]);
  }
  return { action, reason: reason && REASONS[reason] };
}
