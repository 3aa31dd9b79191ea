import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { ApiErrors, BodyExample, sendPage } from '../http/index.js';
import { ThreadParams } from '../threads/index.js';
import { CronAccess, type CronPermission } from './cron-access.js';
import { CronsService } from './crons.service.js';
import { Cron } from './dto/cron.dto.js';
import { CronCountRequest, CronCreate, CronParams, CronSearchRequest, CronUpdate } from './dto/cron-requests.dto.js';

const MORNING = {
  assistant_id: 'chat',
  schedule: '0 9 * * 1-5',
  timezone: 'Europe/Berlin',
  input: { messages: [{ role: 'user', content: 'Good morning!' }] },
};

@ApiTags('Crons')
@Controller()
export class CronsController {
  constructor(
    private readonly access: CronAccess,
    private readonly crons: CronsService,
  ) {}

  @Post('threads/:thread_id/runs/crons')
  @Requires(['crons:create', 'threads:create_run', 'assistants:read'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a cron on a thread', description: 'All runs share the state of the thread.' })
  @BodyExample(CronCreate, MORNING)
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  async createForThread(
    @Permission() permission: CronPermission,
    @Param() { thread_id }: ThreadParams,
    @Body() body: CronCreate,
  ): Promise<Cron> {
    return this.crons.create(await this.access.toCreate(permission, body, thread_id), thread_id, permission);
  }

  @Post('runs/crons')
  @Requires(['crons:create', 'threads:create_run', 'assistants:read'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a cron', description: 'Each run gets its own thread.' })
  @BodyExample(CronCreate, MORNING)
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  async create(@Permission() permission: CronPermission, @Body() body: CronCreate): Promise<Cron> {
    return this.crons.create(await this.access.toCreate(permission, body), undefined, permission);
  }

  @Post('runs/crons/search')
  @Requires('crons:search')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Search crons',
    description:
      'Returns one page. `X-Pagination-Total` is the number of matches, `X-Pagination-Next` the next offset.',
  })
  @BodyExample(CronSearchRequest, { assistant_id: 'chat', enabled: true, limit: 5 })
  @ApiOkResponse({ type: [Cron] })
  @ApiErrors()
  async search(
    @Permission() permission: CronPermission,
    @Body() body: CronSearchRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Cron[]> {
    const { value, filter } = await this.access.authorize(permission, body);
    return sendPage(reply, await this.crons.search(value, filter), value);
  }

  @Post('runs/crons/count')
  @Requires('crons:search')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count crons', description: 'Returns the number of crons that match.' })
  @BodyExample(CronCountRequest, { assistant_id: 'chat' })
  @ApiOkResponse({ type: Number })
  @ApiErrors()
  async count(@Permission() permission: CronPermission, @Body() body: CronCountRequest): Promise<number> {
    const { value, filter } = await this.access.authorize(permission, body);
    return this.crons.count(value, filter);
  }

  @Get('runs/crons/:cron_id')
  @Requires('crons:read')
  @ApiOperation({ summary: 'Get a cron', description: 'Returns the cron with its next due time.' })
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  async get(@Permission() permission: CronPermission, @Param() { cron_id }: CronParams): Promise<Cron> {
    const { filter } = await this.access.authorize(permission, { cron_id });
    return this.crons.get(cron_id, filter);
  }

  @Patch('runs/crons/:cron_id')
  @Requires(['crons:update', 'threads:create_run', 'assistants:read'])
  @ApiOperation({
    summary: 'Update a cron',
    description:
      'Merges metadata and replaces the other given fields. `end_time: null` removes the end. ' +
      'A change of `schedule`, `timezone`, `end_time` or `enabled` sets a new next due time. A caller who changes the runs ' +
      'or enables the cron must be allowed to create its runs. From then on, the runs act as that caller.',
  })
  @BodyExample(CronUpdate, { enabled: false })
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  async update(
    @Permission() permission: CronPermission,
    @Param() { cron_id }: CronParams,
    @Body() body: CronUpdate,
  ): Promise<Cron> {
    const { value, filter } = await this.access.authorize(permission, { ...body, cron_id });
    const { cron_id: _, ...changes } = value;
    return this.crons.update(cron_id, changes, permission, filter);
  }

  @Delete('runs/crons/:cron_id')
  @Requires('crons:delete')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a cron', description: 'Keeps the runs that the cron has created.' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404)
  async delete(@Permission() permission: CronPermission, @Param() { cron_id }: CronParams): Promise<void> {
    const { filter } = await this.access.authorize(permission, { cron_id });
    await this.crons.delete(cron_id, filter);
  }
}
