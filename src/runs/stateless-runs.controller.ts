import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { ValidationFailedError } from '../common/index.js';
import { ApiErrors, ApiEventStream, BodyExample, runHeaders, sse, waitForJson } from '../http/index.js';
import { LimitConcurrentStreams } from '../limits/index.js';
import { ThreadAccess, type ThreadPermission } from '../threads/index.js';
import { Run } from './dto/run.dto.js';
import {
  RunCreateBatchItem,
  RunCreateStateless,
  RunJoinQuery,
  RunJoinStreamQuery,
  RunStreamQuery,
  RunsCancelQuery,
  RunsCancelRequest,
  StatelessRunParams,
} from './dto/run-requests.dto.js';
import { RunAccess } from './access/run-access.js';
import { readBatch } from './dto/run-batch.js';
import { RunCreationService } from './creation/run-creation.service.js';
import { isReconnect, RunOutputService } from './run-output.service.js';
import { RunsService } from './runs.service.js';

const HELLO = { assistant_id: 'chat', input: { messages: [{ role: 'user', content: 'Hello!' }] } };

/** Runs on their own hidden thread, which is deleted after the run unless the client keeps it. */
@ApiTags('Stateless runs')
@Controller('runs')
export class StatelessRunsController {
  constructor(
    private readonly threads: ThreadAccess,
    private readonly access: RunAccess,
    private readonly creation: RunCreationService,
    private readonly output: RunOutputService,
    private readonly runs: RunsService,
  ) {}

  @Post()
  @Requires(['threads:create_run', 'assistants:read'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a stateless background run', description: 'Returns without waiting for the run.' })
  @BodyExample(RunCreateStateless, HELLO)
  @ApiOkResponse({ type: Run })
  @ApiErrors(404)
  async create(
    @Body() body: RunCreateStateless,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Run> {
    const run = await this.creation.createStateless(body, { request });
    reply.headers(runHeaders({ run_id: run.run_id }));
    return run;
  }

  @Post('stream')
  @Requires(['threads:create_run', 'assistants:read'])
  @LimitConcurrentStreams()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a stateless run and stream its output',
    description:
      'Server-sent events: `metadata` first, then the events of the requested modes, then `error` if the run fails.',
  })
  @BodyExample(RunCreateStateless, { ...HELLO, stream_mode: ['messages-tuple'] })
  @ApiEventStream()
  @ApiErrors(404)
  async stream(
    @Body() body: RunCreateStateless,
    @Query() { namespace: namespaces }: RunStreamQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const run = await this.creation.createStateless(body, { request, delivery: 'stream' });
    const options = { stateless: true, cancelOnDisconnect: body.on_disconnect === 'cancel' };
    await sse(reply, this.output.stream(run, options, { namespaces }));
  }

  @Post('wait')
  @Requires(['threads:create_run', 'assistants:read'])
  @LimitConcurrentStreams()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a stateless run and wait for its result',
    description:
      'Returns the final state, with pending interrupts under `__interrupt__` and an error under `__error__`.',
  })
  @BodyExample(RunCreateStateless, HELLO)
  @ApiOkResponse({ description: 'The final state.', schema: { type: 'object', additionalProperties: true } })
  @ApiErrors(404)
  async wait(
    @Body() body: RunCreateStateless,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const run = await this.creation.createStateless(body, { request, delivery: 'wait' });
    await waitForJson(
      reply,
      this.output.wait(run, { stateless: true, cancelOnDisconnect: body.on_disconnect === 'cancel' }),
    );
  }

  @Post('batch')
  @Requires(['threads:create_run', 'assistants:read'])
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create many background runs',
    description: 'Creates all runs in one transaction, or none. Field names may be in snake case or camel case.',
  })
  @ApiBody({ type: [RunCreateBatchItem], examples: { example: { summary: 'Example', value: [HELLO, HELLO] } } })
  @ApiOkResponse({ type: [Run], description: 'The runs, in the order of the request.' })
  @ApiErrors(404, 409)
  createBatch(@Body() body: unknown, @Req() request: FastifyRequest): Promise<Run[]> {
    return this.creation.createBatch(readBatch(body), { request });
  }

  @Post('cancel')
  @Requires('threads:update')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Cancel many runs',
    description: 'Cancels all runs with a status, or the listed runs of a thread.',
  })
  @BodyExample(RunsCancelRequest, { status: 'all' })
  @ApiNoContentResponse({ description: 'The runs have stopped.' })
  @ApiErrors(404)
  async cancelMany(
    @Permission() permission: ThreadPermission,
    @Body() body: RunsCancelRequest,
    @Query() { action }: RunsCancelQuery,
  ): Promise<void> {
    const requested = oneForm(body);
    if (requested.thread_id) {
      await this.threads.check(permission, requested.thread_id, { action });
    }
    const { filter } = await this.threads.authorize(permission, { action });
    await this.runs.cancelMany(requested, { action }, filter);
  }

  @Get(':run_id/join')
  @Requires(['threads:read', 'threads:update'])
  @LimitConcurrentStreams()
  @ApiOperation({
    summary: 'Wait for a stateless run',
    description:
      'Returns the result of the run. The result stays available for a limited time after the run has ended.',
  })
  @ApiOkResponse({ description: 'The final state.', schema: { type: 'object', additionalProperties: true } })
  @ApiErrors(404)
  async join(
    @Permission() permission: ThreadPermission,
    @Param() { run_id }: StatelessRunParams,
    @Query() { cancel_on_disconnect }: RunJoinQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.access.checkJoin(permission, { run_id }, cancel_on_disconnect);
    await waitForJson(reply, await this.output.join(run_id, undefined, cancel_on_disconnect));
  }

  @Get(':run_id/stream')
  @Requires(['threads:read', 'threads:update'])
  @LimitConcurrentStreams()
  @ApiOperation({
    summary: 'Join the stream of a stateless run',
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
    @Param() { run_id }: StatelessRunParams,
    @Query() { cancel_on_disconnect, stream_mode: modes, namespace: namespaces }: RunJoinStreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.access.checkJoin(permission, { run_id }, cancel_on_disconnect);
    const isReconnecting = isReconnect(request);
    const filter = { modes, namespaces };
    const options = { lastEventId, isReconnecting, filter, cancelOnDisconnect: cancel_on_disconnect };
    await sse(reply, await this.output.joinStream(run_id, undefined, options));
  }
}

/** Rejects a body with both forms or with half of one, which would be ambiguous. */
function oneForm(body: RunsCancelRequest): RunsCancelRequest {
  const byStatus = Boolean(body.status);
  const byIds = Boolean(body.thread_id) && Boolean(body.run_ids);
  const isMixed = byStatus && Boolean(body.thread_id ?? body.run_ids);
  if (isMixed || byStatus === byIds) {
    throw new ValidationFailedError([{ path: '', message: 'send either status, or thread_id with run_ids' }]);
  }
  return body;
}
